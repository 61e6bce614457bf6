package opendkim

import (
	"errors"
	"path/filepath"
	"strings"
)

// maxTable bounds a table file: 300,000 lines with keys in them.
const maxTable = 512 << 20

// entry is one member of a data set; value is empty where the set is a plain list.
type entry struct {
	key, value string
	at         Position
}

// dataset is what the value of an option names.
type dataset struct {
	patterns bool // refile: the keys are patterns, tried in their order
	entries  []entry
}

// exports says how the kinds of data sets that only a running service has are turned into a file.
var exports = map[string]string{
	"dsn":      "export the rows with the data base's client, one `KEY VALUE` a line, and name the file",
	"ldap":     "export the entries with ldapsearch, one `KEY VALUE` a line, and name the file",
	"ldaps":    "export the entries with ldapsearch, one `KEY VALUE` a line, and name the file",
	"ldapi":    "export the entries with ldapsearch, one `KEY VALUE` a line, and name the file",
	"lua":      "write what the script answers into a file, one `KEY VALUE` a line, and name it",
	"mdb":      "dump it with mdb_dump -p into a file named like it with .dump at its end, and name it as db:",
	"memcache": "write its entries into a file, one `KEY VALUE` a line, and name it",
	"erlang":   "write what it answers into a file, one `KEY VALUE` a line, and name it",
	"socket":   "write what it answers into a file, one `KEY VALUE` a line, and name it",
	"repute":   "there is nothing of the kind any more; remove the option",
}

// splitDataset tells the kind of a data set and the rest of its name, by OpenDKIM's rules: a prefix, in any case, counts
// unless a comma stands before its colon; without one "/…" is a file, "….db" a Berkeley data base, all else a list.
func splitDataset(value string) (kind, rest string) {
	prefix, tail, found := strings.Cut(value, ":")
	if found && !strings.Contains(prefix, ",") {
		kind := strings.ToLower(prefix)
		switch _, export := exports[kind]; {
		case export, kind == "file", kind == "refile", kind == "csl", kind == "db":
			return kind, tail
		}
	}
	switch {
	case found && strings.HasPrefix(tail, "/") && isWord(prefix):
		return "unknown", tail
	case strings.HasSuffix(value, ".db"):
		return "db", value
	case strings.HasPrefix(value, "/"):
		return "file", value
	}
	return "csl", value
}

func isWord(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") == ""
}

// dataset reads the data set that a setting names.
func (t *translator) dataset(s Setting) (dataset, bool) {
	kind, rest := splitDataset(s.Value)
	if how, is := exports[kind]; is {
		t.problems.add(s.At, how, "%s names a data set of type %s, which cannot be read from here", s.Name, kind)
		return dataset{}, false
	}
	if kind == "unknown" {
		t.problems.add(s.At, "", "%s: no data set type in %q is known", s.Name, clip(withoutUser(s.Value)))
		return dataset{}, false
	}
	if rest == "" {
		t.problems.add(s.At, "", "%s names a data set of type %s and no file", s.Name, kind)
		return dataset{}, false
	}
	if kind == "csl" {
		return dataset{entries: list(rest, s.At)}, true
	}
	path := t.resolve(rest)
	entries, err := t.readEntries(kind, path)
	var problem Problem
	switch {
	case errors.As(err, &problem):
		t.problems = append(t.problems, problem)
	case err != nil:
		t.problems.add(s.At, t.hintFor(rest, err), "%s: cannot read %s: %v", s.Name, path, err)
	}
	return dataset{patterns: kind == "refile", entries: entries}, err == nil
}

func (t *translator) readEntries(kind, path string) ([]entry, error) {
	if kind == "db" {
		return t.dump(path)
	}
	text, err := readLines(path, maxTable)
	if err != nil {
		return nil, err
	}
	t.tellCut(path, text)
	return lines(path, text), nil
}

// hintFor says what to do about a file that was not found by a relative name.
func (t *translator) hintFor(written string, err error) string {
	if err == nil || filepath.IsAbs(written) {
		return ""
	}
	return "a relative path begins in " + t.base + ": set BaseDirectory, or import from the directory in which opendkim is started"
}

// resolve makes a path absolute as OpenDKIM finds it.
func (t *translator) resolve(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(t.base, path)
}

// maxLine is where OpenDKIM cuts a line of a table.
const maxLine = 1023

// tellCut tells of lines that OpenDKIM reads as two, be it in a comment.
func (t *translator) tellCut(path, text string) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		if octets := len(strings.TrimRight(line, "\r\n")); octets > maxLine {
			t.note(Position{path, n}, Differs, "a long line", "read as one line; OpenDKIM takes what follows its first %d octets for a line of its own", maxLine)
		}
	}
}

// lines reads a table: `KEY[ VALUE]`, "#" begins a comment.
func lines(path, text string) (all []entry) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		key, value := cutWord(strings.TrimSpace(line))
		if key != "" {
			all = append(all, entry{key, value, Position{path, n}})
		}
	}
	return all
}

// list reads a comma-separated list: `a,b,x=y`.
func list(text string, at Position) (all []entry) {
	for item := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(item), "=")
		if key != "" {
			all = append(all, entry{key, value, at})
		}
	}
	return all
}
