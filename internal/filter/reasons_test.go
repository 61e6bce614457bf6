package filter

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Every word that the log can say as a reason, a verdict or a warning stands in
// docs/reasons.md.
func TestReasonsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	words := 0
	for _, file := range []string{"outcome.go", "breakage.go", "rewriting.go", "../policy/reason.go", "../../dkim/verdict.go"} {
		for _, word := range stringConstants(t, file) {
			words++
			if !strings.Contains(string(page), "`"+word+"`") {
				t.Errorf("%s: %q is not in docs/reasons.md", file, word)
			}
		}
	}
	if words < 40 {
		t.Errorf("only %d words found", words)
	}
	for _, decision := range decisions {
		if !strings.Contains(string(page), "`"+decision+"`") {
			t.Errorf("decision %q is not in docs/reasons.md", decision)
		}
	}
}

func stringConstants(t *testing.T, file string) (words []string) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range tree.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		ast.Inspect(group, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				word, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				words = append(words, word)
			}
			return true
		})
	}
	return words
}
