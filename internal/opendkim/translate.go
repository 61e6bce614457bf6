package opendkim

import (
	"path/filepath"
	"strconv"
	"strings"
)

// Options of an import.
type Options struct {
	CopyKeys bool   // key files are copied below the output's keys/; else the tables name them where they are
	Hostname string // of this host, for AuthservID HOSTNAME
	// DumpDB gives the output of db_dump(1) for a Berkeley data base.
	DumpDB func(path string) ([]byte, error)
}

// Result is what an installation becomes.
type Result struct {
	// Notes has one note for each line of the configuration in its order, and for what else deserves a word.
	Notes []Note
	// KeyTable, SigningTable and Records are the lines of the three files. Records may be empty: no such file.
	KeyTable, SigningTable, Records []Line
	Copies                          []Copy // key files
	set, defaults                   []setLine
	referenced                      []string // key files that stay where they are
}

// Line is a line of a file to write, and where it comes from.
type Line struct {
	Text string
	From Position
}

// Copy is a key file to copy.
type Copy struct {
	From string
	To   string // relative to the output directory: keys/example.com.s1.pem
	At   Position
}

// translator is one import.
type translator struct {
	options  Options
	conf     *conf
	base     string // where relative paths begin
	result   Result
	problems Problems
	led      map[string][]string // lower-case option name -> what it became
	keys     map[string]keyRow   // by NAME
	plainIn  map[string]Position // patterns of a table that is looked up as it stands
	copied   map[string]string   // Copy.To -> Copy.From
	patterns bool                // the signing table is written as refile:
}

// Import reads an installation. The error is Problems: what keeps it from being imported, all at once.
func Import(path string, o Options) (*Result, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, Problems{{At: Position{Path: path}, Text: err.Error()}}
	}
	c, err := readConf(path)
	if err != nil {
		return nil, err
	}
	t := &translator{
		options: o, conf: c, led: map[string][]string{},
		keys: map[string]keyRow{}, plainIn: map[string]Position{}, copied: map[string]string{},
	}
	t.checkNames()
	t.setBase()
	t.listener()
	t.signing()
	t.trust()
	t.signatures()
	t.verifying()
	t.dns()
	t.tell()
	if len(t.problems) > 0 {
		return nil, t.problems
	}
	return &t.result, nil
}

// checkNames sees that this is an opendkim.conf at all.
func (t *translator) checkNames() {
	names := 0
	for _, s := range t.conf.settings {
		if _, ok := known(s.Name); ok {
			names++
		}
	}
	if names == 0 {
		t.problems.add(Position{Path: t.conf.path}, "name the file that opendkim is started with (-x)", "no option of OpenDKIM in it")
	}
}

// setBase finds where relative paths begin: opendkim changes to BaseDirectory first.
func (t *translator) setBase() {
	t.base, _ = filepath.Abs(".")
	if s, ok := t.find("BaseDirectory"); ok {
		t.base = t.resolve(s.Value)
		t.became("BaseDirectory", "paths made absolute from "+t.base)
	}
	for _, s := range t.conf.settings {
		if strings.EqualFold(s.Name, "Include") {
			t.became("Include", "read where it stands")
			break
		}
	}
}

func (t *translator) find(name string) (Setting, bool) { return t.conf.find(name) }

// became notes what an option was turned into, for the report.
func (t *translator) became(name, what string) {
	name = strings.ToLower(name)
	t.led[name] = append(t.led[name], what)
}

// text is an option's value, or its default.
func (t *translator) text(name, otherwise string) string {
	if s, ok := t.find(name); ok {
		return s.Value
	}
	return otherwise
}

// flag is a Boolean: OpenDKIM looks at its first letter only.
func (t *translator) flag(name string) bool {
	s, ok := t.find(name)
	if !ok {
		return false
	}
	yes, is := parseFlag(s.Value)
	if !is {
		t.problems.add(s.At, "write yes or no", "%s %s is neither true nor false", s.Name, clip(s.Value))
	}
	return yes
}

func parseFlag(value string) (yes, ok bool) {
	return strings.ContainsRune("TtYy1", rune(value[0])), strings.ContainsRune("TtYy1FfNn0", rune(value[0]))
}

// integer is a number, which may be written in octal ("007") or hexadecimal.
func (t *translator) integer(name string, otherwise int) int {
	s, ok := t.find(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseInt(s.Value, 0, 32)
	if err != nil || n < 0 {
		t.problems.add(s.At, "", "%s %s is no number", s.Name, clip(s.Value))
		return otherwise
	}
	return int(n)
}

// members are the keys of the data set that an option names, none if it is not set.
func (t *translator) members(name string) (keys []entry, patterns bool) {
	s, ok := t.find(name)
	if !ok {
		return nil, false
	}
	set, _ := t.dataset(s)
	return set.entries, set.patterns
}
