package keytable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Bounds of a table. An inline RSA-4096 key in PEM takes 3.3 KB, so a line of
// 64 KiB is no table; 512 MiB is 300,000 lines with inline RSA-2048 keys.
const (
	maxLine = 64 << 10
	maxFile = 512 << 20
)

// splitSpec splits a table's name in the configuration into OpenDKIM's data set
// type and the path.
func splitSpec(spec string) (path string, refile bool, err error) {
	kind, rest, found := strings.Cut(spec, ":")
	switch {
	case !found || strings.ContainsAny(kind, "/."):
		return spec, false, nil
	case rest == "":
		return spec, false, errors.New("no path behind the colon")
	case kind == "file", kind == "refile":
		return rest, kind == "refile", nil
	}
	return spec, false, fmt.Errorf("data sets of type %q are not supported; write the lines into a file and name it as file:PATH or refile:PATH", kind)
}

// table is the text of a file. Rows keep substrings of it.
type table struct {
	path   string
	dir    string // where relative key paths begin
	text   string
	public bool // others than owner and group may read or change the file
}

// openTable reads the file that spec names. The table has its path even if it
// cannot be read.
func openTable(spec string) (tb table, refile bool, err error) {
	path, refile, err := splitSpec(spec)
	if err != nil {
		return table{path: path}, false, err
	}
	tb, err = readTable(path)
	if err != nil {
		return table{path: path}, false, err
	}
	return tb, refile, nil
}

// tableHint says what to do about a table that cannot be read; option is where its path stands.
func tableHint(err error, path, option string) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "write it, or mend " + option + " in postseal.toml; an empty one there means that there is none"
	case errors.Is(err, fs.ErrPermission):
		return "let the service's group read it: chgrp postseal " + path + " && chmod 0640 " + path + ", and chmod o+x the directories above"
	}
	return "see " + option + " in postseal.toml"
}

func readTable(path string) (table, error) {
	// O_NONBLOCK: a FIFO must not hold up the start.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err // the caller names the path
		}
		return table{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return table{}, err
	case !info.Mode().IsRegular():
		return table{}, errors.New("not a regular file")
	case info.Size() > maxFile:
		return table{}, fmt.Errorf("over %d MiB", maxFile>>20)
	}
	var text strings.Builder
	text.Grow(int(info.Size()))
	if _, err := io.Copy(&text, io.LimitReader(f, maxFile)); err != nil {
		return table{}, err
	}
	return table{
		path:   path,
		dir:    filepath.Dir(path),
		text:   strings.TrimPrefix(text.String(), "\ufeff"),
		public: isPublic(info.Mode()),
	}, nil
}

// eachLine calls f with every line that holds something, without its comment.
// A line too long or with control characters is a problem.
func (tb table) eachLine(fatal *Problems, f func(line int, text string)) {
	n := 0
	for text := range strings.SplitSeq(tb.text, "\n") {
		n++
		text, _, _ = strings.Cut(text, "#")
		text = strings.Trim(text, " \t\r")
		switch {
		case text == "":
		case len(text) > maxLine:
			tb.fail(fatal, n, keyFault{message: fmt.Sprintf("line over %d KiB", maxLine>>10)})
		case strings.ContainsFunc(text, isControl):
			tb.fail(fatal, n, keyFault{message: "control character in the line", hint: "a table is plain text"})
		default:
			f(n, text)
		}
	}
}

// lineCount is how many lines eachLine gives, and so how many rows at most there
// will be. Rows in a slice that grows would leave three times their size behind as
// garbage.
func (tb table) lineCount() (n int) {
	var bad Problems
	tb.eachLine(&bad, func(int, string) { n++ })
	return n
}

func (tb table) fail(to *Problems, line int, f keyFault) {
	*to = append(*to, tb.problem(line, f.message, f.hint))
}

func (tb table) problem(line int, message, hint string) Problem {
	return Problem{Path: tb.path, Line: line, Message: message, Hint: hint}
}

// cutField splits off the first word of a line.
func cutField(text string) (field, rest string) {
	i := strings.IndexAny(text, " \t")
	if i < 0 {
		return text, ""
	}
	return text[:i], strings.TrimLeft(text[i:], " \t")
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// isPublic is what a file that holds a private key must not be. The group may
// read: root:postseal 0640 is what keygen writes.
func isPublic(mode fs.FileMode) bool { return mode.Perm()&0o006 != 0 }
