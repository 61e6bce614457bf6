// Package docs holds no code: its tests keep the pages beside it true.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPromises sees that each test that docs/promises.md names exists.
func TestPromises(t *testing.T) {
	exists := testNames(t)
	names := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(read(t, "promises.md"), -1)
	if len(names) < 10 {
		t.Fatalf("only %d tests named", len(names))
	}
	for _, name := range names {
		if !exists[name[1]] {
			t.Errorf("promises.md names %s, which is no test", name[1])
		}
	}
}

// testNames finds all tests of the project.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	test := regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(`)
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range test.FindAllSubmatch(text, -1) {
			names[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestLinks sees that what the pages link to is there, and that the index has
// each of them.
func TestLinks(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	indexed := map[string]bool{"README.md": true}
	for _, page := range append(pages, "../README.md", "../test/README.md") {
		for _, target := range links(t, page) {
			path, anchor, _ := strings.Cut(target, "#")
			if page == "README.md" {
				indexed[path] = true
			}
			file := filepath.Join(filepath.Dir(page), path)
			if path == "" {
				file = page
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: dead link %s", page, target)
			} else if anchor != "" && !anchors(t, file)[anchor] {
				t.Errorf("%s: %s has no such heading", page, target)
			}
		}
	}
	for _, page := range pages {
		for _, m := range mention.FindAllStringSubmatch(read(t, page), -1) {
			if _, err := os.Stat(m[1]); err != nil {
				t.Errorf("%s mentions docs/%s, which is not there", page, m[1])
			}
		}
		if !indexed[page] {
			t.Errorf("README.md of docs does not link %s", page)
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// mention is a page that help texts and man pages name.
var mention = regexp.MustCompile(`\bdocs/([a-z-]+\.md)`)

// links are the targets within the repository.
func links(t *testing.T, page string) (targets []string) {
	t.Helper()
	for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
		if !strings.Contains(m[1], ":") {
			targets = append(targets, m[1])
		}
	}
	return targets
}

// anchors are the names that GitHub gives to the headings of a page.
func anchors(t *testing.T, page string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(read(t, page), -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all[strings.ReplaceAll(name, " ", "-")] = true
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
