package config

import (
	"strings"
	"testing"
)

func TestParseCandidates(t *testing.T) {
	for _, test := range []struct{ entry, kind, what, problem string }{
		{"postfix", "postfix", "", ""},
		{"sendmail", "sendmail", "", ""},
		{"file:/etc/postseal/users", "file", "/etc/postseal/users", ""},
		{"exec:/usr/bin/list  --all", "exec", "/usr/bin/list  --all", ""},
		{"", "", "", "no source"},
		{"exim", "", "", "no source"},
		{"Postfix", "", "", "no source"},
		{"postfix:/etc/postfix", "", "", "nothing after it"},
		{"postfix:", "", "", "nothing after it"},
		{"file", "", "", "absolute"},
		{"file:users", "", "", "absolute"},
		{"exec:", "", "", "absolute"},
		{"exec: ", "", "", "absolute"},
		{"exec:list /x", "", "", "absolute"},
	} {
		t.Run(test.entry, func(t *testing.T) {
			kind, what, err := ParseCandidates(test.entry)
			if kind != test.kind || what != test.what || (err == nil) != (test.problem == "") {
				t.Errorf("%q, %q, %v", kind, what, err)
			}
			if err != nil && !strings.Contains(err.Error(), test.problem) {
				t.Errorf("%v, want %q", err, test.problem)
			}
		})
	}
}

// Each entry that cannot be is reported with its line.
func TestCandidatesInTheFile(t *testing.T) {
	for list, problem := range map[string]string{
		`["postfix", "exim"]`:          `"exim" is no source of domains`,
		`["file:users"]`:               "must be absolute",
		`["postfix", "postfix"]`:       "stands there twice",
		`"postfix"`:                    "domains.candidates",
		`["file:/a", "exec:/b --all"]`: "",
		`[]`:                           "",
	} {
		_, err := Parse("postseal.toml", "[domains]\ncandidates = "+list+"\n")
		switch {
		case problem == "" && err != nil:
			t.Errorf("%s: %v", list, err)
		case problem != "" && (err == nil || !strings.Contains(err.Error(), problem) || !strings.Contains(err.Error(), "postseal.toml:2")):
			t.Errorf("%s: %v, want %q", list, err, problem)
		}
	}
}
