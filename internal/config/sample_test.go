package config

import (
	"os"
	"reflect"
	"regexp"
	"testing"
)

const sample = "../../packaging/etc/postseal.toml"

// The installed file says what the defaults are: taken as it is, and with every
// option uncommented, it must give them.
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
		for _, list := range []*[]string{
			&cfg.Sign.TrustedMacros, &cfg.Sign.Peers, &cfg.Sign.ExemptDomains, &cfg.Sign.DontSignMailTo,
			&cfg.Sign.ReauthenticatingUsers, &cfg.Sign.OmitHeaders,
			&cfg.Verify.RefusedDomains, &cfg.Verify.RemoveAuthservIDs, &cfg.Verify.SpareMethods,
			&cfg.DNS.Nameservers, &cfg.DNS.TrustAD,
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
	rows := regexp.MustCompile(`(?s)#\[\[(user|verify.domain)\]\].*?\n\n`)
	return rows.ReplaceAllString(text, "")
}

// Every key of the contract has its line in the installed file.
func TestSampleNamesEveryKey(t *testing.T) {
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []reflect.Type{
		reflect.TypeFor[Listener](), reflect.TypeFor[Sign](), reflect.TypeFor[User](), reflect.TypeFor[Limits](), reflect.TypeFor[Log](), reflect.TypeFor[Metrics](),
		reflect.TypeFor[Verify](), reflect.TypeFor[VerifyDomain](), reflect.TypeFor[DNS](), reflect.TypeFor[Check](),
	} {
		for key, kind := range fieldsOf(table) {
			if kind.Kind() == reflect.Slice && kind.Elem().Kind() == reflect.Struct {
				continue // rows have a table head
			}
			if !regexp.MustCompile(`(?m)^#?` + key + ` = `).Match(text) {
				t.Errorf("%s: no line for %s", sample, key)
			}
		}
	}
}
