package dns

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
)

const (
	maxRecordsFile = 64 << 20
	maxRecord      = 64 << 10 // no DNS message has more
)

// RecordError is a line of the records file that cannot be used.
type RecordError struct {
	Path   string
	Line   int // counted from 1
	Reason string
}

func (e *RecordError) Error() string { return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Reason) }

// recordsFile is the file of static records, if path is not empty.
type recordsFile struct {
	path  string
	names atomic.Pointer[map[string]static]
}

// static is the records of a name.
type static struct {
	txt  []string
	line int // of the first
}

func (f *recordsFile) find(name string) (answer Answer, ok bool) {
	names := f.names.Load()
	if names == nil {
		return Answer{}, false
	}
	s, ok := (*names)[name]
	if !ok {
		return Answer{}, false
	}
	return Answer{TXT: slices.Clone(s.txt), Name: name, Server: fmt.Sprintf("%s:%d", f.path, s.line)}, true
}

// load reads the file; if any line is bad, what was loaded before stays.
func (f *recordsFile) load() error {
	if f.path == "" {
		return nil
	}
	file, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("static records: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxRecordsFile+1))
	switch {
	case err != nil:
		return fmt.Errorf("static records: %w", err)
	case len(text) > maxRecordsFile:
		return fmt.Errorf("static records: %s: over %d MiB", f.path, maxRecordsFile>>20)
	}
	names, err := parseRecords(f.path, string(text))
	if err != nil {
		return err
	}
	f.names.Store(&names)
	return nil
}

// parseRecords reads lines as Config.RecordsFile has them. The error joins a *RecordError for each bad one.
func parseRecords(path, text string) (map[string]static, error) {
	names := map[string]static{}
	var errs []error
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		n++
		line, _, _ = strings.Cut(line, "#")
		if line = strings.Trim(line, " \t\r\n"); line == "" {
			continue
		}
		name, txt, err := parseRecord(line)
		if err != nil {
			errs = append(errs, &RecordError{path, n, err.Error()})
			continue
		}
		s, ok := names[name]
		if !ok {
			s.line = n
		}
		s.txt = append(s.txt, txt)
		names[name] = s
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	return names, nil
}

func parseRecord(line string) (name, txt string, err error) {
	name = line
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		name, txt = line[:i], strings.TrimLeft(line[i:], " \t")
	}
	if name, err = canonical(name); err != nil {
		return "", "", err
	}
	switch {
	case txt == "":
		return "", "", errors.New("no text behind the name")
	case txt[0] == '"':
		return "", "", errors.New("write the text in one piece and without quotes")
	case len(txt) > maxRecord:
		return "", "", fmt.Errorf("text over %d KiB", maxRecord>>10)
	}
	return name, txt, nil
}
