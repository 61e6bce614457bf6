package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestLogLinesAreExplained sees that troubleshooting.md has each warning and error
// that the program can log, and none that it cannot. The reasons of messages are
// internal/filter's TestReasonsAreDocumented.
func TestLogLinesAreExplained(t *testing.T) {
	page := strings.Join(strings.Fields(read(t, "troubleshooting.md")), " ")
	logged := loggedLines(t)
	if len(logged) < 20 {
		t.Fatalf("only %d lines found", len(logged))
	}
	for _, text := range slices.Sorted(maps.Keys(logged)) {
		if !strings.Contains(page, "`"+text+"`") {
			t.Errorf("%s: %q is not explained in troubleshooting.md", logged[text], text)
		}
	}
	_, list, _ := strings.Cut(read(t, "troubleshooting.md"), "\n## Lines of the log\n")
	list, _, _ = strings.Cut(list, "\n## ")
	for line := range strings.Lines(list) {
		if !strings.HasPrefix(line, "* ") {
			continue
		}
		for i, text := range strings.Split(line, "`") {
			if _, ok := logged[text]; i%2 == 1 && !ok {
				t.Errorf("troubleshooting.md explains %q, which is never logged", text)
			}
		}
	}
}

// loggedLines are the constant messages of slog's Warn and Error in the program, with their
// places.
func loggedLines(t *testing.T) map[string]string {
	t.Helper()
	lines := map[string]string{}
	files := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (path == filepath.Join("..", "test") || entry.Name() == ".git"):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		tree, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if text, ok := logged(n); ok {
				lines[text] = files.Position(n.Pos()).String()
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// logged takes `x.log.Warn("text", …)` apart.
func logged(n ast.Node) (text string, ok bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return "", false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || method.Sel.Name != "Warn" && method.Sel.Name != "Error" {
		return "", false
	}
	switch of := method.X.(type) {
	case *ast.Ident:
		ok = strings.EqualFold(of.Name, "log")
	case *ast.SelectorExpr:
		ok = strings.EqualFold(of.Sel.Name, "log")
	default:
		ok = false
	}
	literal, isText := call.Args[0].(*ast.BasicLit)
	if !ok || !isText {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	return text, err == nil
}
