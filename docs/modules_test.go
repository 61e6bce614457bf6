package docs

import (
	"encoding/json"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDependencies compares dependencies.md with go.mod: every module has its
// reason, and none is explained that is not there.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json", "../go.mod").Output()
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Require []struct{ Path string } }
	if err := json.Unmarshal(out, &file); err != nil {
		t.Fatal(err)
	}
	explained := map[string]bool{}
	rows := regexp.MustCompile(`(?m)^\| ([a-z][^|]*\.[^|]*) \|`)
	for _, row := range rows.FindAllStringSubmatch(read(t, "dependencies.md"), -1) {
		for path := range strings.SplitSeq(row[1], ", ") {
			explained[path] = true
		}
	}
	for _, module := range file.Require {
		if !explained[module.Path] {
			t.Errorf("dependencies.md does not say why there is %s", module.Path)
		}
		delete(explained, module.Path)
	}
	for path := range explained {
		t.Errorf("dependencies.md explains %s, which go.mod does not have", path)
	}
}

// TestRooms sees that design.md says of each package what it does.
func TestRooms(t *testing.T) {
	page := read(t, "design.md")
	rooms := 0
	for _, top := range []string{"cmd", "dkim", "internal", "keytable", "milter", "signer", "verifier"} {
		err := filepath.WalkDir(filepath.Join("..", top), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.IsDir() {
				return err
			}
			code, err := filepath.Glob(filepath.Join(path, "*.go"))
			if room := strings.TrimPrefix(path, "../"); len(code) > 0 {
				rooms++
				if !strings.Contains(page, "`"+room+"`") {
					t.Errorf("design.md does not say what %s does", room)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if rooms < 20 {
		t.Errorf("only %d rooms found", rooms)
	}
}
