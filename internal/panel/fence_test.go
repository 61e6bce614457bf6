package panel

import (
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestFence: the panel knows the verbs and the records, and nothing that has a private
// half in it.
func TestFence(t *testing.T) {
	const ours = "github.com/postseal/postseal/"
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			path, _ := strconv.Unquote(i.Path.Value) // it has just been parsed
			room, own := strings.CutPrefix(path, ours)
			if own && !slices.Contains([]string{"dkim", "internal/domains", "internal/domains/records"}, room) || !own && strings.Contains(path, ".") {
				t.Errorf("%s imports %s", e.Name(), path)
			}
		}
		text, err := os.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), ".Private(") {
			t.Errorf("%s asks for a private half", e.Name())
		}
	}
}
