package doctor

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/BurntSushi/toml"
)

//go:embed findings.toml
var findingsFile string

// Kind is a row of findings.toml: all that is said about one word.
type Kind struct {
	Word       string     `toml:"word"`
	Group      string     `toml:"group"`    // heading in the documentation
	Severities []Severity `toml:"severity"` // the usual one first
	Title      string     `toml:"title"`
	Looked     string     `toml:"looked"` // this and the next two with {facts}
	Found      string     `toml:"found"`
	Change     string     `toml:"change"`
	Cause      string     `toml:"cause"` // for the documentation: what it means
}

// Kinds returns all that there are, in the order of the file.
func Kinds() []Kind { return slices.Clone(catalog().list) }

// Relay is a service that signs by itself what is handed to it.
type Relay struct {
	Name  string   `toml:"name"`
	Hosts []string `toml:"hosts"` // domains that its relays are below
	Where string   `toml:"where"` // its DKIM is set up there
}

type kinds struct {
	list   []Kind
	byWord map[string]Kind
	relays []Relay

	selectors []Known
}

// catalog reads the file, which is part of the program: what is wrong in it is seen by the first test.
var catalog = sync.OnceValue(func() kinds {
	var file struct {
		Finding []Kind  `toml:"finding"`
		Relay   []Relay `toml:"relay"`
		Known   []Known `toml:"known"`
	}
	if _, err := toml.Decode(findingsFile, &file); err != nil {
		panic(fmt.Sprintf("doctor/findings.toml: %v", err))
	}
	k := kinds{list: file.Finding, byWord: map[string]Kind{}, relays: file.Relay, selectors: file.Known}
	for _, row := range file.Finding {
		k.byWord[row.Word] = row
	}
	return k
})

// examination gathers findings.
type examination struct {
	*Facts
	findings []Finding
	notes    bool // pass on the notes about keys as well
}

// texts are what a finding's texts have in braces, by name.
type texts map[string]string

// raise notes a finding with its usual severity.
func (e *examination) raise(word string, t texts) {
	e.raiseAs(word, catalog().byWord[word].Severities[0], t)
}

// raiseAs notes a finding with one of its severities. The same one is noted once.
func (e *examination) raiseAs(word string, s Severity, t texts) {
	kind, ok := catalog().byWord[word]
	if !ok || !slices.Contains(kind.Severities, s) {
		panic(fmt.Sprintf("finding %s cannot be %q: see findings.toml", word, s))
	}
	var pairs []string
	for name, value := range t {
		pairs = append(pairs, "{"+name+"}", Printable(value))
	}
	fill := strings.NewReplacer(pairs...).Replace
	f := Finding{Word: word, Severity: s, Title: fill(kind.Title), Looked: fill(kind.Looked), Found: fill(kind.Found), Change: fill(kind.Change)}
	if !slices.Contains(e.findings, f) {
		e.findings = append(e.findings, f)
	}
}

// maxText bounds what is quoted of a configuration, an answer or an error.
const maxText = 600

// Printable keeps what others wrote from acting on a terminal, and from filling it.
func Printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) { // what turns the writing round is none, either
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > maxText {
		return strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}

// maxListed bounds the lists in a text.
const maxListed = 8

func list(words []string) string {
	if len(words) > maxListed {
		words = append(slices.Clone(words[:maxListed]), fmt.Sprintf("and %d more", len(words)-maxListed))
	}
	return strings.Join(words, ", ")
}
