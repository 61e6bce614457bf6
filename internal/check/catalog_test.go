package check

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/findings.md")

// The facts that texts may ask for. Those of a finding's own are seen by the tests that produce it.
var factNames = []string{
	"name", "domain", "selector", "host", "zone", "want", "ours", "theirs", "found", "target", "alias", "servers", "retry", "type",
	"detail", "other", "failed", "status", "serials", "count", "expected", "remove",
}

func TestCatalog(t *testing.T) {
	braces := regexp.MustCompile(`\{[^}]*\}?`)
	last := ""
	for _, k := range Kinds() {
		if !regexp.MustCompile(`^D[1-6][0-9]{2}$`).MatchString(k.Code) || k.Code <= last {
			t.Errorf("%s follows %s", k.Code, last)
		}
		last = k.Code
		if len(k.Severities) == 0 {
			t.Errorf("%s has no severity", k.Code)
		}
		for _, s := range k.Severities {
			if !slices.Contains(severities, s) {
				t.Errorf("%s: severity %q", k.Code, s)
			}
		}
		for what, text := range map[string]string{"title": k.Title, "got": k.Got, "change": k.Change, "cause": k.Cause, "asked": k.Asked, "expected": k.Expected} {
			if text == "" {
				t.Errorf("%s has no %s", k.Code, what)
			}
			for _, b := range braces.FindAllString(text, -1) {
				if !slices.Contains(factNames, strings.Trim(b, "{}")) {
					t.Errorf("%s: %s asks for %s", k.Code, what, b)
				}
			}
		}
	}
}

const documentation = "../../docs/findings.md"

// docs/findings.md is made from findings.toml: go test ./internal/check -run TestDocumentation -update
func TestDocumentation(t *testing.T) {
	want := document()
	if *update {
		if err := os.WriteFile(documentation, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(documentation)
	if err != nil || string(got) != want {
		t.Errorf("docs/findings.md is not what findings.toml says (%v): run go test ./internal/check -run TestDocumentation -update", err)
	}
}

var groups = map[byte]string{
	'1': "Looking up", '2': "In the wrong place", '3': "Damaged text", '4': "Wrong meaning", '5': "CNAME and delegation", '6': "Operation",
}

// document writes the file as a page.
func document() string {
	var b strings.Builder
	b.WriteString(`# What the check finds

Made from internal/check/findings.toml; do not edit.

` + "`postseal check DOMAIN`" + ` and the life of a key give each thing that they find a code that does not change, and four texts: what was asked, what
came back, what should have come, and what to change. An *error* keeps receivers from verifying; *temporary* means that there is no telling now;
with a *warning* mail verifies today; a *note* is worth knowing. Of several severities the first is the usual one.
`)
	group := byte(0)
	for _, k := range Kinds() {
		if k.Code[1] != group {
			group = k.Code[1]
			fmt.Fprintf(&b, "\n## %s\n", groups[group])
		}
		var s []string
		for _, severity := range k.Severities {
			s = append(s, string(severity))
		}
		fmt.Fprintf(&b, "\n### %s: %s\n\n%s. %s\n\n- asked: %s\n- got: %s\n- expected: %s\n- change: %s\n",
			k.Code, k.Title, strings.ToUpper(s[0][:1])+strings.Join(s, " or ")[1:], k.Cause, plainFacts(k.Asked), plainFacts(k.Got), plainFacts(k.Expected), plainFacts(k.Change))
	}
	return b.String()
}

// plainFacts writes {host} as *host*.
func plainFacts(text string) string {
	return strings.NewReplacer("{", "*", "}", "*").Replace(text)
}
