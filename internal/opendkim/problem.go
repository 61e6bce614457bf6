package opendkim

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// Problem is something that keeps an installation from being imported.
type Problem struct {
	At   Position
	Text string
	Hint string // what to do; may be empty
}

func (p Problem) Error() string {
	text := p.At.String() + ": " + p.Text
	if p.Hint != "" {
		text += " (" + p.Hint + ")"
	}
	return text
}

// Problems is all that is wrong.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

func (ps *Problems) add(at Position, hint, format string, args ...any) {
	*ps = append(*ps, Problem{at, fmt.Sprintf(format, args...), hint})
}

// readText reads a regular file of at most limit octets. A FIFO does not hold it up.
func readText(path string, limit int64) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err // the caller names the path
		}
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", errors.New("not a regular file")
	case info.Size() > limit:
		return "", fmt.Errorf("over %d KiB; is this the right file?", limit>>10)
	}
	text, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return "", err
	}
	if strings.IndexByte(string(text), 0) >= 0 {
		return "", errors.New("it holds NUL octets, so it is no text")
	}
	return strings.TrimPrefix(string(text), "\ufeff"), nil
}

// readLines is readText for a file of which reports quote lines. A private key, named by mistake, is not quoted.
func readLines(path string, limit int64) (string, error) {
	text, err := readText(path, limit)
	if err == nil && strings.Contains(text, "PRIVATE KEY-----") {
		return "", errors.New("it holds a private key; is this the right file?")
	}
	return text, err
}

// clip shortens what a message quotes.
func clip(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
