package opendkim

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// dump reads a Berkeley data base through the text form that db_dump(1) makes of it: from the file PATH.dump if there is
// one, made where the data base was, else from the program.
func (t *translator) dump(path string) ([]entry, error) {
	text, err := readText(path+".dump", maxTable)
	if err == nil {
		return parseDump(path+".dump", text)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s.dump: %w", path, err)
	}
	out, err := t.options.DumpDB(path)
	if err != nil {
		return nil, fmt.Errorf("%w; run `db_dump -p %s > %s.dump` where db_dump is installed (package db-util) and import again", err, path, path)
	}
	all, err := parseDump(path, string(out))
	for i := range all {
		all[i].at.Line = 0 // the data base itself has no lines
	}
	return all, err
}

// parseDump reads the output of db_dump, printable (-p) or in hexadecimal: a header up to HEADER=END, then keys and
// values in turn, a line each behind a blank, up to DATA=END.
func parseDump(path, text string) (all []entry, err error) {
	var words []string
	printable, header, ended := false, true, false
	n, at := 0, 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		switch {
		case header:
			printable = printable || line == "format=print"
			header = line != "HEADER=END"
		case line == "DATA=END":
			ended = true
		case ended:
		default:
			word, ok := undump(line, printable)
			if !ok {
				return nil, Problem{At: Position{path, n}, Text: "not a line of db_dump's output"}
			}
			if words = append(words, word); len(words)%2 == 1 {
				at = n
				continue
			}
			all = append(all, entry{words[len(words)-2], words[len(words)-1], Position{path, at}})
		}
	}
	if header || !ended || len(words)%2 == 1 {
		return nil, Problem{At: Position{Path: path}, Text: "not the whole output of db_dump: it ends with DATA=END"}
	}
	return all, nil
}

// undump decodes one word. makemap(8) and postmap(1) end words with a NUL, opendkim does not.
func undump(line string, printable bool) (string, bool) {
	line, ok := strings.CutPrefix(line, " ")
	if !ok {
		return "", false
	}
	var out []byte
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case printable && c != '\\':
			out = append(out, c)
			continue
		case printable && i+1 < len(line) && line[i+1] == '\\':
			out = append(out, c)
			i++
			continue
		case printable:
			i++
		}
		if i+2 > len(line) {
			return "", false
		}
		octet, err := hex.DecodeString(line[i : i+2])
		if err != nil {
			return "", false
		}
		out = append(out, octet...)
		i++
	}
	word := strings.TrimSuffix(string(out), "\x00")
	return strings.TrimSpace(word), !strings.ContainsAny(word, "\x00\n\r")
}
