package opendkim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
)

// setLine is an option of postseal.toml.
type setLine struct {
	table, key string
	value      any
	comment    string
}

// inOutput is a value that names a file of the output directory.
type inOutput struct{ prefix, name string }

// set writes an option of postseal.toml ("sign.expire") that follows from options of OpenDKIM. from are those; where
// none of them is set, the value is OpenDKIM's default and is written because ours may be another.
func (t *translator) set(path string, value any, from ...string) {
	table, key, found := strings.Cut(path, ".")
	if !found {
		table, key = "", path
	}
	line := setLine{table: table, key: key, value: value}
	var sources []string
	for _, name := range from {
		if s, ok := t.find(name); ok {
			sources = append(sources, fmt.Sprintf("%s: %s", s.At, s.Name))
			t.became(name, path+" = "+toml(value, ""))
		}
	}
	switch {
	case sources != nil:
		line.comment = strings.Join(sources, ", ")
	default:
		line.comment = "OpenDKIM's default for " + strings.Join(from, ", ")
		t.result.defaults = append(t.result.defaults, line)
	}
	t.result.set = append(t.result.set, line)
}

// always writes an option that follows from how OpenDKIM works, whatever its configuration says.
func (t *translator) always(path string, value any, why string) {
	table, key, _ := strings.Cut(path, ".")
	line := setLine{table, key, value, why}
	t.result.set = append(t.result.set, line)
	t.result.defaults = append(t.result.defaults, line)
}

// tables are those of postseal.toml in the order of the file.
var tables = []struct{ name, header string }{
	{"", ""}, {"listener", "[[listener]]"}, {"sign", "[sign]"}, {"verify", "[verify]"}, {"dns", "[dns]"}, {"limits", "[limits]"},
}

// ConfigFile, KeyTableFile, SigningTableFile, RecordsFile and KeyDir are the names in the output directory.
const (
	ConfigFile       = "postseal.toml"
	KeyTableFile     = "keytable"
	SigningTableFile = "signingtable"
	RecordsFile      = "records"
	KeyDir           = "keys"
)

// Config is the text of postseal.toml for an output directory given by its absolute path.
func (r *Result) Config(dir string) string {
	var b strings.Builder
	b.WriteString("# Made by `postseal import opendkim`. Each option says where it comes from.\n\n")
	b.WriteString("# Rows that cannot work keep postseal from starting, as they should on the day of the change.\nstrict = true\n")
	for _, table := range tables {
		header := table.header
		for _, line := range r.set {
			if line.table != table.name {
				continue
			}
			if header != "" {
				fmt.Fprintf(&b, "\n%s\n", header)
				header = ""
			}
			fmt.Fprintf(&b, "# %s\n%s = %s\n", line.comment, line.key, toml(line.value, dir))
		}
	}
	return b.String()
}

// Text is a table file: line n of it is lines[n-1].
func Text(lines []Line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.Text + "\n")
	}
	return b.String()
}

// toml writes a value. A JSON string is a TOML one too.
func toml(value any, dir string) string {
	switch v := value.(type) {
	case inOutput:
		return toml(v.prefix+filepath.Join(dir, v.name), "")
	case []string:
		words := make([]string, len(v))
		for i, w := range v {
			words[i] = toml(w, "")
		}
		return "[" + strings.Join(words, ", ") + "]"
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(value) // strings, numbers and truth values only
	return strings.TrimSpace(b.String())
}

// KeyFiles lists the key files that the written key table names, where they will be.
func (r *Result) KeyFiles(dir string) (paths []string) {
	for _, c := range r.Copies {
		paths = append(paths, filepath.Join(dir, c.To))
	}
	return append(paths, r.referenced...)
}
