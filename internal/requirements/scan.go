package requirements

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Proof is a subtest that has the number of a line as its name.
type Proof struct {
	Number  string
	Package string // directory from the root of the repository on
	Test    string // as `go test -run` has it: TestRequirement/INF-17
}

// Scan finds the proofs in the test sources below root, without running them. It
// knows subtests whose name is written down where they begin, in the test or in a
// function that it calls, and those whose names are the keys of a map or a field of a
// table that their test goes through.
func Scan(root string) ([]Proof, error) {
	packages, err := testFiles(root)
	if err != nil {
		return nil, err
	}
	var all []Proof
	for dir, files := range packages {
		s := scanner{
			dir: dir, types: map[string]*ast.StructType{}, values: map[string]ast.Expr{}, functions: map[string]*ast.FuncDecl{}, found: map[Proof]bool{},
		}
		for _, f := range files {
			s.declared(f)
		}
		for _, f := range files {
			s.tests(f)
		}
		all = slices.AppendSeq(all, maps.Keys(s.found))
	}
	slices.SortFunc(all, func(a, b Proof) int {
		return cmp.Or(strings.Compare(a.Package, b.Package), strings.Compare(a.Test, b.Test))
	})
	return all, nil
}

// testFiles parses the test sources by directory.
func testFiles(root string) (map[string][]*ast.File, error) {
	packages := map[string][]*ast.File{}
	source := os.DirFS(root)
	err := fs.WalkDir(source, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "out" || d.Name() == "bin" || strings.HasPrefix(d.Name(), ".") && name != "."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		packages[path.Dir(name)] = append(packages[path.Dir(name)], f)
		return err
	})
	return packages, err
}

// scanner goes through the tests of one package.
type scanner struct {
	dir       string
	types     map[string]*ast.StructType
	values    map[string]ast.Expr // of variables, at the top and of the test at hand
	functions map[string]*ast.FuncDecl
	inside    []string // functions that are being gone through
	found     map[Proof]bool
}

// declared notes what stands at the top of a file.
func (s *scanner) declared(f *ast.File) {
	for _, d := range f.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Body != nil {
			s.functions[f.Name.Name] = f
		}
		general, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range general.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if t, ok := spec.Type.(*ast.StructType); ok {
					s.types[spec.Name.Name] = t
				}
			case *ast.ValueSpec:
				for i, name := range spec.Names {
					if i < len(spec.Values) {
						s.values[name.Name] = spec.Values[i]
					}
				}
			}
		}
	}
}

// tests goes through the test functions of a file.
func (s *scanner) tests(f *ast.File) {
	top := s.values
	for _, d := range f.Decls {
		if test, ok := d.(*ast.FuncDecl); ok && test.Recv == nil && strings.HasPrefix(test.Name.Name, "Test") && test.Body != nil {
			s.values = maps.Clone(top)
			s.walk(test.Body, test.Name.Name, nil)
		}
	}
	s.values = top
}

// walk looks for subtests in a part of the test at a path. loop is the loop around
// it, if there is one.
func (s *scanner) walk(n ast.Node, at string, loop *ast.RangeStmt) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if name, ok := left.(*ast.Ident); ok && i < len(n.Rhs) {
					s.values[name.Name] = n.Rhs[i]
				}
			}
		case *ast.RangeStmt:
			s.walk(n.X, at, loop)
			s.walk(n.Body, at, n)
			return false
		case *ast.CallExpr:
			return s.call(n, at, loop)
		}
		return true
	})
}

// call takes a call that begins a subtest: its first argument is the name, its last
// one a function. It is false if the call has been gone through.
func (s *scanner) call(c *ast.CallExpr, at string, loop *ast.RangeStmt) bool {
	if callee, ok := c.Fun.(*ast.Ident); ok {
		s.helper(callee.Name, at)
	}
	if len(c.Args) < 2 {
		return true
	}
	body, _ := c.Args[len(c.Args)-1].(*ast.FuncLit)
	method, _ := c.Fun.(*ast.SelectorExpr)
	name, literal := textOf(c.Args[0])
	switch {
	case literal && (body != nil || method != nil && method.Sel.Name == "Run"):
		s.note(at, name)
	case body != nil && loop != nil:
		name = "…"
		for _, row := range s.names(c.Args[0], loop) {
			s.note(at, row)
		}
	default:
		return true
	}
	if body != nil {
		s.walk(body.Body, at+"/"+strings.ReplaceAll(name, " ", "_"), nil)
	}
	return false
}

// helper goes through a function that a test calls.
func (s *scanner) helper(name, at string) {
	f := s.functions[name]
	if f == nil || slices.Contains(s.inside, name) {
		return
	}
	s.inside = append(s.inside, name)
	s.walk(f.Body, at, nil)
	s.inside = s.inside[:len(s.inside)-1]
}

func (s *scanner) note(at, name string) {
	if number.MatchString(name) {
		s.found[Proof{name, s.dir, at + "/" + name}] = true
	}
}

// names are the values that a subtest's name takes in a loop over a table: the key
// of a map, or a field of its rows.
func (s *scanner) names(name ast.Expr, loop *ast.RangeStmt) []string {
	table, ok := loop.X.(*ast.CompositeLit)
	if ident, is := loop.X.(*ast.Ident); is {
		table, ok = s.values[ident.Name].(*ast.CompositeLit)
	}
	if !ok {
		return nil
	}
	var all []string
	for _, row := range table.Elts {
		if text, ok := textOf(s.nameOf(name, loop, table, row)); ok {
			all = append(all, text)
		}
	}
	return all
}

// nameOf finds the name in one row of a table.
func (s *scanner) nameOf(name ast.Expr, loop *ast.RangeStmt, table *ast.CompositeLit, row ast.Expr) ast.Expr {
	pair, isPair := row.(*ast.KeyValueExpr)
	switch name := name.(type) {
	case *ast.Ident:
		if isPair && isNamed(loop.Key, name.Name) {
			return pair.Key
		} else if !isPair && isNamed(loop.Value, name.Name) {
			return row
		}
	case *ast.SelectorExpr:
		if isPair {
			row = pair.Value
		}
		fields, ok := row.(*ast.CompositeLit)
		if x, is := name.X.(*ast.Ident); ok && is && isNamed(loop.Value, x.Name) {
			return s.field(fields, name.Sel.Name, table.Type)
		}
	}
	return nil
}

// field finds a field of a row, by name or place.
func (s *scanner) field(row *ast.CompositeLit, name string, table ast.Expr) ast.Expr {
	for i, value := range row.Elts {
		if pair, ok := value.(*ast.KeyValueExpr); ok {
			if isNamed(pair.Key, name) {
				return pair.Value
			}
		} else if slices.Index(s.fieldNames(table), name) == i {
			return value
		}
	}
	return nil
}

// fieldNames are those of the rows of a table, in order.
func (s *scanner) fieldNames(table ast.Expr) (names []string) {
	var row ast.Expr
	switch t := table.(type) {
	case *ast.ArrayType:
		row = t.Elt
	case *ast.MapType:
		row = t.Value
	}
	fields, ok := row.(*ast.StructType)
	if ident, is := row.(*ast.Ident); is {
		fields, ok = s.types[ident.Name], s.types[ident.Name] != nil
	}
	if !ok {
		return nil
	}
	for _, f := range fields.Fields.List {
		for _, name := range f.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

func isNamed(e ast.Expr, name string) bool {
	ident, ok := e.(*ast.Ident)
	return ok && ident.Name == name
}

// textOf is the value of a string that is written down.
func textOf(e ast.Expr) (string, bool) {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	return text, err == nil
}
