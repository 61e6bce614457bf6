package domains

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The map in doc.go names each file of the package once, and no other.
func TestMapOfThePackage(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, where, _ := strings.Cut(string(text), "# Where what is")
	named := map[string]int{}
	for _, word := range strings.Fields(where) {
		if strings.HasSuffix(word, ".go") {
			named[word]++
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "doc.go" {
			continue
		}
		if named[name] != 1 {
			t.Errorf("the map in doc.go names %s %d times", name, named[name])
		}
		delete(named, name)
	}
	for name := range named {
		t.Errorf("the map in doc.go names %s, which is not there", name)
	}
}
