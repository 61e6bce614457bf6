package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const sample = "../../packaging/etc/postseal.toml"

// The installed file says what the defaults are: taken as it is, and with every
// option uncommented, it must give them. Only the store it switches on.
func TestSampleIsTheDefault(t *testing.T) {
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	option := regexp.MustCompile(`(?m)^#([a-z_]+ = .*)$`)
	for name, content := range map[string]string{
		"as installed": string(text),
		"uncommented":  option.ReplaceAllString(beforeUsers(string(text)), "$1"),
	} {
		cfg, err := Parse(sample, content)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		cfg.Path, cfg.lines = "", nil
		want := Default()
		want.Store.URL = "sqlite:/var/lib/postseal/postseal.db"
		for _, list := range []*[]string{
			&cfg.Sign.TrustedMacros, &cfg.Sign.Peers, &cfg.Sign.ExemptDomains, &cfg.Sign.DontSignMailTo,
			&cfg.Sign.ReauthenticatingUsers, &cfg.Sign.OmitHeaders,
			&cfg.Verify.RefusedDomains, &cfg.Verify.RemoveAuthservIDs, &cfg.Verify.SpareMethods,
			&cfg.DNS.Nameservers, &cfg.DNS.TrustAD, &cfg.Store.IdentityCommand, &cfg.Store.Recipients, &cfg.Notify.MailTo, &cfg.Notify.Command,
			&cfg.KeyZone.Former, &cfg.KeyZone.NameServers, &cfg.Panel.Operators, &cfg.Panel.Proxies,
		} {
			if len(*list) == 0 {
				*list = nil
			}
		}
		if !reflect.DeepEqual(cfg, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, cfg, want)
		}
	}
}

// beforeUsers drops the sample [[user]] row, which is no default.
func beforeUsers(text string) string {
	rows := regexp.MustCompile(`(?s)#\[\[(user|verify.domain|driver)\]\].*?\n\n`)
	return rows.ReplaceAllString(text, "")
}

// Every key of the contract has its line in the installed file.
func TestSampleNamesEveryKey(t *testing.T) {
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(`(?m)^#?\[+([a-z_.]+)\]+$`)
	named, at := map[string]bool{}, ""
	for line := range strings.Lines(string(text)) {
		if m := table.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			at = m[1]
		} else if m := regexp.MustCompile(`^#?([a-z_]+) = `).FindStringSubmatch(line); m != nil {
			named[at+"."+m[1]] = true
		}
	}
	for _, table := range Options() {
		for _, o := range table.Options {
			if !named[table.Name+"."+o.Key] {
				t.Errorf("%s: no line for %s.%s", sample, table.Name, o.Key)
			}
		}
	}
}
