package opendkim

import (
	"fmt"
	"regexp"
	"strings"
)

// Note is what became of one line of the installation.
type Note struct {
	At   Position
	What string // the line, shortened
	Fate Fate
	Text string
}

func (n Note) String() string {
	return fmt.Sprintf("%s: %s: %s: %s", n.At, n.What, n.Fate, n.Text)
}

// Differs is the fate of a line that is carried with a difference.
const Differs Fate = Dropped + 1

// Warnings tells whether something behaves otherwise than before.
func (r *Result) Warnings() (n int) {
	for _, note := range r.Notes {
		if note.Fate == Dropped || note.Fate == Differs {
			n++
		}
	}
	return n
}

// Defaults lists what postseal.toml says because OpenDKIM's default is, or may be, another than ours.
func (r *Result) Defaults() []string {
	lines := make([]string, len(r.defaults))
	for i, d := range r.defaults {
		lines[i] = strings.TrimPrefix(d.table+".", ".") + d.key + " = " + toml(d.value, "")
	}
	return lines
}

// note adds a note about a line of a table or an entry of a list.
func (t *translator) note(at Position, fate Fate, what, format string, args ...any) {
	t.result.Notes = append(t.result.Notes, Note{at, clip(what), fate, fmt.Sprintf(format, args...)})
}

// differs notes that an option is carried with a difference.
func (t *translator) differs(name, format string, args ...any) {
	if s, ok := t.find(name); ok {
		t.note(s.At, Differs, s.quoted(), format, args...)
	}
}

// userInfo is what a URL has before its host; passwords with a slash or an @ in them, which
// should not be there, included.
var userInfo = regexp.MustCompile(`//\S*@`)

func withoutUser(value string) string { return userInfo.ReplaceAllString(value, "//(not shown)@") }

// quoted is a line as a report shows it: without passwords and keys.
func (s Setting) quoted() string {
	kind, _ := splitDataset(s.Value)
	switch {
	case strings.EqualFold(s.Name, "LDAPBindPassword"):
		return s.Name + " (not shown)"
	case strings.EqualFold(s.Name, "KeyTable") && kind == "csl": // it may have the keys themselves
		return s.Name + " (a list, not shown)"
	}
	return s.Name + " " + withoutUser(s.Value)
}

// tell writes a note for each line of the configuration, before those about single entries.
func (t *translator) tell() {
	entries := t.result.Notes
	t.result.Notes = nil
	for i, s := range t.conf.settings {
		fate, text := t.fate(i, s)
		t.note(s.At, fate, s.quoted(), "%s", text)
		for _, e := range entries {
			if e.At == s.At {
				t.result.Notes = append(t.result.Notes, e)
			}
		}
	}
	for _, e := range entries {
		if !t.isSetting(e.At) {
			t.result.Notes = append(t.result.Notes, e)
		}
	}
}

func (t *translator) isSetting(at Position) bool {
	for _, s := range t.conf.settings {
		if s.At == at {
			return true
		}
	}
	return false
}

// fate tells what became of a line of the configuration.
func (t *translator) fate(i int, s Setting) (Fate, string) {
	option, ok := known(s.Name)
	if !ok {
		return Dropped, "OpenDKIM 2.11 has no such option, and postseal does nothing for it"
	}
	if by, yes := t.conf.overridden(i); yes && option.Name != "Include" {
		return Needless, "line " + by.At.String() + " sets it again, and the last one counts"
	}
	if yes, isFlag := parseFlag(s.Value); option.Fate == Dropped && option.Off && isFlag && !yes {
		return Needless, "off here, and postseal does not do it"
	}
	if option.Fate != Carried {
		return option.Fate, option.How
	}
	if led := t.led[strings.ToLower(s.Name)]; led != nil {
		return Carried, strings.Join(led, ", ")
	}
	return Needless, "without effect in this configuration"
}
