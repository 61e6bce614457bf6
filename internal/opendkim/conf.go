// Package opendkim reads an OpenDKIM installation (opendkim.conf, what it includes, and its data sets) and turns it
// into postseal's files: a postseal.toml, a KeyTable and a SigningTable that lead to the same signatures and the same
// verdicts.
//
//	r, err := opendkim.Import("/etc/opendkim.conf", opendkim.Options{CopyKeys: true})
//	text := r.Config("/etc/postseal")
//
// It only reads. Result says what to write and has a Note for each option that the installation sets: what it became,
// or what happens instead. Nothing is dropped in silence. What OpenDKIM itself would stumble over at each message (a
// KeyTable line without its key, an identity without "@") is an error with file and line.
//
// The facts about OpenDKIM are those of Debian's 2.11.0~beta2, observed by sending mail through it; test/migrate
// compares both programs again.
package opendkim

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Bounds of what is read.
const (
	maxInclude = 5 // OpenDKIM's nesting
	maxConf    = 1 << 20
)

// Position is a line of a file.
type Position struct {
	Path string
	Line int // 0: the file as a whole
}

func (p Position) String() string {
	if p.Line == 0 {
		return p.Path
	}
	return fmt.Sprintf("%s:%d", p.Path, p.Line)
}

// Setting is one line of a configuration: `Name value`.
type Setting struct {
	Name, Value string
	At          Position
}

// conf is a configuration with what it includes.
type conf struct {
	path     string
	settings []Setting // as they stand, one after the other
}

// readConf reads a configuration file. Names are kept as written; find compares them without case.
func readConf(path string) (*conf, error) {
	c := &conf{path: path}
	r := confReader{conf: c}
	r.read(path, Position{Path: path}, 0)
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return c, nil
}

type confReader struct {
	conf     *conf
	problems Problems
}

// read adds the lines of a file; from is the line that names it.
func (r *confReader) read(path string, from Position, depth int) {
	text, err := readLines(path, maxConf)
	if err != nil {
		r.problems.add(from, "", "cannot read %s: %v", path, err)
		return
	}
	line := 0
	for raw := range strings.Lines(text) {
		line++
		raw, _, _ = strings.Cut(raw, "#")
		name, value := cutWord(strings.TrimSpace(raw))
		at := Position{path, line}
		switch {
		case name == "":
		case value == "":
			r.problems.add(at, "", "%q has no value", clip(name))
		case strings.EqualFold(name, "Include"):
			r.include(Setting{name, value, at}, depth)
		default:
			r.conf.settings = append(r.conf.settings, Setting{name, value, at})
		}
	}
}

// include reads a file where it is named. A relative path begins at the working directory, as with OpenDKIM, which
// obeys BaseDirectory only afterwards.
func (r *confReader) include(s Setting, depth int) {
	if depth >= maxInclude {
		r.problems.add(s.At, "", "more than %d files include each other", maxInclude)
		return
	}
	path, err := filepath.Abs(s.Value)
	if err != nil {
		r.problems.add(s.At, "", "%s: %v", s.Value, err)
		return
	}
	r.conf.settings = append(r.conf.settings, s)
	r.read(path, s.At, depth+1)
}

// find gives the setting of an option: the last one counts.
func (c *conf) find(name string) (Setting, bool) {
	for i := len(c.settings) - 1; i >= 0; i-- {
		if strings.EqualFold(c.settings[i].Name, name) {
			return c.settings[i], true
		}
	}
	return Setting{}, false
}

// overridden tells whether a later line sets the same option.
func (c *conf) overridden(i int) (by Setting, yes bool) {
	last, _ := c.find(c.settings[i].Name)
	return last, last.At != c.settings[i].At
}

// cutWord splits off the first word.
func cutWord(s string) (word, rest string) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimSpace(s[i:])
}
