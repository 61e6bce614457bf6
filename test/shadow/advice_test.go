package shadow

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// configuration is a postseal.toml in the making.
type configuration struct {
	dir   string
	lists map[string][]string // below [sign]
	words map[string]string
}

// bare covers From alone.
func bare(dir string) configuration {
	return configuration{dir, map[string][]string{"headers": {"From"}, "oversign": {}, "oversign_absent": {}, "omit_headers": {}}, map[string]string{
		"keytable": `"DIR/keytable"`, "signingtable": `"refile:DIR/signingtable"`, "multiple_signatures": "true",
	}}
}

func (c configuration) write(t *testing.T) (path string) {
	t.Helper()
	write(t, c.dir, "keytable", placed(c.dir, "ka a.test:sa:DIR/a.pem\nkb b.test:sb:DIR/b.pem\n"))
	write(t, c.dir, "signingtable", "*@a.test ka\n")
	if c.words["both"] != "" {
		write(t, c.dir, "signingtable", "*@a.test ka,kb\n")
	}
	var text strings.Builder
	text.WriteString("[sign]\n")
	for _, key := range slices.Sorted(maps.Keys(c.lists)) {
		fmt.Fprintf(&text, "%s = [", key)
		for _, name := range c.lists[key] {
			fmt.Fprintf(&text, "%q, ", name)
		}
		text.WriteString("]\n")
	}
	for _, key := range slices.Sorted(maps.Keys(c.words)) {
		if key != "both" {
			fmt.Fprintf(&text, "%s = %s\n", key, c.words[key])
		}
	}
	return write(t, c.dir, "postseal.toml", placed(c.dir, text.String()))
}

var (
	setWord  = regexp.MustCompile(`^sign\.(\w+) = (".*?")`)
	addNames = regexp.MustCompile(`^add ("[^)]*") to sign\.(\w+)`)
)

// follow does what an advice says, to the letter.
func (c configuration) follow(advice string) bool {
	if m := setWord.FindStringSubmatch(advice); m != nil {
		c.words[m[1]] = m[2]
		return true
	}
	if m := addNames.FindStringSubmatch(advice); m != nil {
		for _, name := range strings.Split(m[1], ", ") {
			c.lists[m[2]] = append(c.lists[m[2]], strings.Trim(name, `"`))
		}
		return true
	}
	if strings.HasPrefix(advice, "sign.signingtable, sign.keytable: name this key too") {
		c.words["both"] = "yes"
		return true
	}
	return false
}

// followAdvice begins with a bare configuration and does what shadow says until it is content.
func followAdvice(t *testing.T, dir, file string, signatures int, want string) {
	t.Helper()
	c := bare(dir)
	var r report
	for range 4 {
		r = ask(t, c.write(t), file)
		t.Logf("%s: %+v", r.Verdict, r.all())
		if r.Verdict != "differs" && r.Verdict != "harmless" {
			break
		}
		for _, d := range r.all() {
			if d.Level != "equivalent" && !c.follow(d.Advice) {
				t.Errorf("no way to follow %q (%s)", d.Advice, d.Text)
			}
		}
	}
	if r.Verdict != want {
		t.Errorf("%s in the end, with %+v: %+v", r.Verdict, c, r.all())
	}
	r.verified(t, signatures)
}
