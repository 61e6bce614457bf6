package doctor

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/doctor.md")

var braces = regexp.MustCompile(`\{[a-z_]+\}`)

func TestCatalog(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Kinds() {
		if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(k.Word) || seen[k.Word] {
			t.Errorf("%q is no word, or stands twice", k.Word)
		}
		seen[k.Word] = true
		if len(k.Severities) == 0 {
			t.Errorf("%s has no severity", k.Word)
		}
		for _, s := range k.Severities {
			if !slices.Contains(severities, s) {
				t.Errorf("%s: severity %q", k.Word, s)
			}
		}
		for what, text := range map[string]string{"group": k.Group, "title": k.Title, "looked": k.Looked, "found": k.Found, "change": k.Change, "cause": k.Cause} {
			if text == "" {
				t.Errorf("%s has no %s", k.Word, what)
			}
		}
	}
}

const documentation = "../../docs/doctor.md"

// docs/doctor.md is made from findings.toml: go test ./internal/doctor -run TestDocumentation -update
func TestDocumentation(t *testing.T) {
	want := document()
	if *update {
		if err := os.WriteFile(documentation, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(documentation)
	if err != nil || string(got) != want {
		t.Errorf("docs/doctor.md is not what findings.toml says (%v): run go test ./internal/doctor -run TestDocumentation -update", err)
	}
}

const introduction = `# What the doctor finds

Made from internal/doctor/findings.toml; do not edit.

    postseal doctor               # the whole installation
    postseal doctor example.com   # one domain: lines, keys, DNS, DMARC, SPF
    postseal doctor --no-dns --json

` + "`postseal doctor`" + ` reads the configuration of Postfix (postconf) or Sendmail (sendmail.cf) and ours, talks to our listeners as a mail server does,
and looks at files, clock, resolver, the managed store, and the domains of key table and store (100 at most, eight at a time). It changes nothing. Each finding has a
word that keeps its meaning, a severity, and says what was looked at, what was found, and what to change. With an *error* mail goes unsigned,
unverified or not at all; with a *warning* some mail does, or will; a *note* is worth knowing and may be as you want it. Of several
severities the first is the usual one. Exit codes: 0 all is well (notes do not count), 1 warnings, 2 errors.

Findings about a key's record have the codes of [findings.md](findings.md), such as D402.

Run it as root: an ordinary user may not read our configuration and keys, nor see who listens, and hears so (` + "`not-seen`" + `). Not looked at is the content
of Postfix's tables. The store is opened without a right to write, as its owner; of its keys stands here what the service found when it last
asked DNS, and with a domain what DNS says now.
`

// document writes the catalog as a page.
func document() string {
	var b strings.Builder
	b.WriteString(introduction)
	group := ""
	plain := func(s string) string {
		s = braces.ReplaceAllStringFunc(s, func(m string) string { return "*" + strings.ReplaceAll(strings.Trim(m, "{}"), "_", " ") + "*" })
		return strings.ReplaceAll(s, "\n", " ")
	}
	for _, k := range Kinds() {
		if k.Group != group {
			group = k.Group
			fmt.Fprintf(&b, "\n## %s\n", group)
		}
		var s []string
		for _, severity := range k.Severities {
			s = append(s, string(severity))
		}
		first := strings.Join(s, " or ")
		fmt.Fprintf(&b, "\n### %s\n\n%s: %s. %s\n\n", k.Word, strings.ToUpper(first[:1])+first[1:], plain(k.Title), k.Cause)
		fmt.Fprintf(&b, "- looked at: %s\n- found: %s\n- change: %s\n", plain(k.Looked), plain(k.Found), plain(k.Change))
	}
	b.WriteString("\n## Relays that sign\n\nFor `relay-signs` these are known:\n\n| service | hosts below | its DKIM is set up at |\n|---|---|---|\n")
	for _, r := range catalog().relays {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.Name, strings.Join(r.Hosts, ", "), r.Where)
	}
	return b.String()
}
