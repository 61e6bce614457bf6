package requirements

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var (
	update = flag.Bool("update", false, "write docs/requirements.md")
	ran    = flag.String("ran", "", "output of `go test -json` (a file): every proof in a package of it has to have passed there")
)

const root = "../.."

func load(t *testing.T) ([]Requirement, []Proof) {
	t.Helper()
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := Scan(root)
	if err != nil {
		t.Fatal(err)
	}
	return all, proofs
}

// All 126 lines are there, once and in order, with a kind and words.
func TestAll(t *testing.T) {
	all, _ := load(t)
	var want, have []string
	for _, s := range Sources {
		for i := range s.Count {
			want = append(want, fmt.Sprintf("%s-%d", s.Prefix, i+1))
		}
	}
	for _, r := range all {
		have = append(have, r.Number)
		if r.Words == "" || strings.Contains(r.Words+r.Open, "|") {
			t.Errorf("%s: %q, open %q", r.Number, r.Words, r.Open)
		}
		for kind := range strings.SplitSeq(r.Kind, ", ") {
			if Kinds[kind] == "" {
				t.Errorf("%s has the kind %q", r.Number, r.Kind)
			}
		}
	}
	if len(want) != 126 || !slices.Equal(have, want) {
		t.Errorf("have %v,\nwant %v", have, want)
	}
}

// What no test proves is said to be open, and why; a test of what does not exist is a
// mistake in its name.
func TestNothingIsClaimed(t *testing.T) {
	all, proofs := load(t)
	for _, r := range all {
		named := func(p Proof) bool { return p.Number == r.Number }
		if r.Open == "" && !slices.ContainsFunc(proofs, named) {
			t.Errorf("no subtest is called %s; write one, or say in requirements.toml what is open", r.Number)
		}
		proofs = slices.DeleteFunc(proofs, named)
	}
	for _, p := range proofs {
		t.Errorf("%s %s: there is no such line", p.Package, p.Test)
	}
}

// TestProofsPassed takes the word of tests that ran.
func TestProofsPassed(t *testing.T) {
	if *ran == "" {
		return // the tests themselves say so
	}
	passed, packages := outcomes(t, *ran)
	_, proofs := load(t)
	for _, p := range proofs {
		if packages[p.Package] && !passed[p.Package+" "+p.Number] {
			t.Errorf("%s %s did not pass", p.Package, p.Test)
		}
	}
}

// outcomes are the numbers that passed, each with its package, and the packages that ran.
func outcomes(t *testing.T, path string) (passed, packages map[string]bool) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	passed, packages = map[string]bool{}, map[string]bool{}
	lines := bufio.NewScanner(f)
	for lines.Buffer(nil, 16<<20); lines.Scan(); {
		var event struct{ Action, Package, Test string }
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			t.Fatal(err)
		}
		dir := strings.TrimPrefix(event.Package, "github.com/postseal/postseal/")
		packages[dir] = true
		if event.Action == "pass" {
			passed[dir+" "+event.Test[strings.LastIndexByte(event.Test, '/')+1:]] = true
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return passed, packages
}

// TestDocumentation keeps docs/requirements.md true.
func TestDocumentation(t *testing.T) {
	const page = root + "/docs/requirements.md"
	want := Page(load(t))
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil || string(have) != want {
		t.Errorf("%s is stale (%v): go test ./internal/requirements -run Documentation -update", page, err)
	}
}

// TestScan: what a subtest may look like, and what is none.
func TestScan(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x_test.go"), []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	proofs, err := Scan(dir)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, p := range proofs {
		have = append(have, p.Test)
	}
	want := []string{
		"TestX/INF-1", "TestX/INF-2", "TestX/INF-3", "TestX/INF-4", "TestX/INF-5", "TestX/INF-6", "TestX/INF-7", "TestX/a_part/INF-8", "TestX/…/INF-9",
	}
	if !slices.Equal(have, want) {
		t.Errorf("got  %v\nwant %v", have, want)
	}
}

const sample = `package x

type row struct{ text, name string }

var rows = []row{{"KAR-1", "INF-6"}, {text: "KAR-2", name: "INF-7"}}

func TestX(t *testing.T) {
	t.Run("INF-1", func(t *testing.T) { refused(t, "KAR-3"); warns("KAR-4", x) })
	story.within("INF-2", func() {})
	t.Run("INF-3", inf3)
	for number, texts := range map[string][]string{"INF-4": {"KAR-5"}} {
		t.Run(number, func(t *testing.T) { says(number, texts) })
	}
	tests := []struct {
		rule string
		number string
	}{{"KAR-6", "INF-5"}}
	for _, test := range tests {
		t.Run(test.number, func(t *testing.T) {})
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			helper(t)
		})
	}
	t.Run("a part", func(t *testing.T) {
		t.Run("INF-8", func(t *testing.T) {})
		t.Run("INF-8 and more", func(t *testing.T) {})
	})
}

func helper(t *testing.T) {
	t.Run("INF-9", func(t *testing.T) {})
	helper(t)
}

func unused(t *testing.T) { t.Run("KAR-7", func(t *testing.T) {}) }
`
