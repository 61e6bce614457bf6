// Package folder is a test with a directory of its own, and what the stories of all suites do in theirs.
package folder

import (
	"os"
	"path/filepath"
	"testing"
)

// Folder is to be embedded.
type Folder struct {
	*testing.T
	Dir string // that is there
}

// Must fails the test for an error.
func (f *Folder) Must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// Path is where a file of the folder is.
func (f *Folder) Path(name string) string { return filepath.Join(f.Dir, name) }

// Write writes a file that anybody may read.
func (f *Folder) Write(name, text string) {
	f.Helper()
	f.Must(os.WriteFile(f.Path(name), []byte(text), 0o644))
}
