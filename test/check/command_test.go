package check

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/internal/check"
)

// run is the program with the resolver of resolv.conf, and returns what it prints and its exit code.
func run(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.Command(os.Getenv("POSTSEAL"), append([]string{"check"}, args...)...)
	cmd.Stderr = os.Stderr
	data, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(data), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(data), 0
}

// The command asks the authoritative servers by itself, and its exit codes are those of the rest of the program.
func TestCommand(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		code int
		has  []string
	}{
		{"good", []string{"good.test", "-s", "s1", "--key", keys.file}, 0, []string{"good.test  s=s1", " OK\n", "2048 bit, TTL 3600"}},
		{"foreign", []string{"good-foreign.test", "-s", "s1"}, 0, []string{" OK\n"}},
		{"warning", []string{"s1._domainkey.d401.test"}, 1, []string{"WARNING D401: the key is marked as a test"}},
		{"error", []string{"d201.test", "-s", "s1", "--key", keys.file}, 2, []string{
			"ERROR D201: the domain stands twice in the name\n",
			"  asked     s1._domainkey.d201.test TXT at ns1.dns.test, ns2.dns.test\n",
			"  got       NXDOMAIN: but the record exists at s1._domainkey.d201.test.d201.test\n",
			"  expected  v=DKIM1; k=rsa; p=MIIBIjAN",
			"  change    the DNS panel adds the domain by itself: set Name to s1._domainkey\n",
			"  retry     after ",
			"  publish   s1._domainkey.d201.test. 3600 IN TXT \"v=DKIM1; k=rsa; p=MIIBIjAN",
		}},
		{"a CNAME", []string{"good-cname.test", "-s", "s1", "--target", "s1.good.keys.test.", "--key", keys.file}, 0, []string{" OK\n"}},
		{"a CNAME to someone else", []string{"d510.test", "-s", "s1", "--target", "s1.good.keys.test"}, 2, []string{"D510", "publish   s1._domainkey.d510.test. 86400 IN CNAME s1.good.keys.test.\n"}},
		{"servers that disagree", []string{"d106.test", "-s", "s1"}, 2, []string{"D106", "ns3.dns.test: NXDOMAIN"}},
		{"servers that fail", []string{"sub.d103.test", "-s", "s1"}, 6, []string{"TEMPORARY D103"}},
		{"split DNS", []string{"d110.test", "-s", "s1", "--public", addresses["ns3"]}, 2, []string{"D110"}},
		{"Nagios: good", []string{"good.test", "-s", "s1", "--nagios"}, 0, []string{"DKIM OK: good.test: s1 ok\n"}},
		{"Nagios: warning", []string{"d401.test", "-s", "s1", "--nagios"}, 1, []string{"DKIM WARNING: d401.test: s1 testing (D401 "}},
		{"Nagios: error", []string{"d303.test", "-s", "s1", "--nagios"}, 2, []string{"DKIM CRITICAL: d303.test: s1 malformed (D303 "}},
		{"Nagios: unknown", []string{"sub.d103.test", "-s", "s1", "--nagios"}, 3, []string{"DKIM UNKNOWN: "}},
		{"Nagios: no selector", []string{"good.test", "--nagios"}, 3, []string{"DKIM UNKNOWN: good.test: there is no key for good.test here"}},
		{"Nagios: no key", []string{"good.test", "-s", "s1", "--key", "/nowhere/key", "--nagios"}, 3, []string{"DKIM UNKNOWN: good.test: open /nowhere/key"}},
		{"Nagios: no configuration", []string{"good.test", "-s", "s1", "--config", "/nowhere/postseal.toml", "--nagios"}, 3, []string{"DKIM UNKNOWN: good.test: /nowhere/postseal.toml"}},
		{"Nagios: no domain", []string{"good..test", "--nagios"}, 3, []string{"DKIM UNKNOWN: good..test: "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, code := run(t, c.args...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.has {
				if !strings.Contains(out, want) {
					t.Errorf("not there: %q", want)
				}
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

func TestCommandJSON(t *testing.T) {
	out, code := run(t, "d402.test", "-s", "s1", "--key", keys.file, "--json")
	var results []struct {
		check.Result
		TTL int `json:"ttl"`
	}
	if err := json.Unmarshal([]byte(out), &results); err != nil || len(results) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	r := results[0]
	if code != 2 || r.Verdict != check.Mismatch || r.Passed || r.TTL != 3600 || r.Source != check.Authoritative || r.Records[0] != keys.Other ||
		r.Findings[0].Code != "D402" || r.RetryAfter.Sub(r.At).Hours() != 1 {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// The keys of the hand-edited key table are checked without naming them.
func TestCommandTakesKeysFromTheTable(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"postseal.toml": "[sign]\nkeytable = \"" + dir + "/keytable\"\nsigningtable = \"" + dir + "/signingtable\"\n",
		"keytable":      "good good.test:s1:" + keys.file + "\nwrong d402.test:s1:" + keys.file + "\n",
		"signingtable":  "*@good.test good\n*@d402.test wrong\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "postseal.toml")
	if out, code := run(t, "good.test", "--config", config); code != 0 || !strings.Contains(out, "s=s1") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if out, code := run(t, "d402.test", "--config", config); code != 2 || !strings.Contains(out, "D402") {
		t.Errorf("exit code %d: %s", code, out)
	}
}
