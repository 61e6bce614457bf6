// Package manual has the real man read the manual pages: not a warning, and
// nothing of the page gets lost.
package manual

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pages names a few lines that a reader of each page must find, as they are.
var pages = map[string][]string{
	"postseal.8": {
		"postseal - DKIM milter for Postfix and Sendmail", "postseal import opendkim /etc/opendkim.conf --check",
		"-c, --config string", "EXIT STATUS", "postseal domain add DOMAIN|--pick [flags]",
	},
	"postseal.toml.5": {
		"postseal.toml - configuration of postseal", "[[verify.domain]]", "multiple_signatures", `address = "inet:8891@127.0.0.1"`,
	},
	"postseal-keytable.5": {
		"NAME  DOMAIN:SELECTOR:KEY[:ALGORITHM]", "*@example.com     shop   user=shop-*", ".example.com",
	},
}

func TestManPages(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "run", "./internal/manual/mkman", "docs", dir)
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	made, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(made) != len(pages) {
		t.Fatalf("pages: %v (%v)", made, err)
	}
	for name, lines := range pages {
		t.Run(name, func(t *testing.T) {
			text := read(t, filepath.Join(dir, name))
			for _, line := range lines {
				if !strings.Contains(text, line) {
					t.Errorf("no %q", line)
				}
			}
		})
	}
}

// A page that is wrong is found: the warnings are on.
func TestManWarns(t *testing.T) {
	page := filepath.Join(t.TempDir(), "x.8")
	if err := os.WriteFile(page, []byte(".TH X 8\n.SH NAME\nx \\- y\n.NOSUCHMACRO\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, warnings := man(t, page); !strings.Contains(warnings, "NOSUCHMACRO") {
		t.Errorf("no warning of an unknown macro: %q", warnings)
	}
}

// read formats a page, in which nothing may be worth a warning.
func read(t *testing.T, page string) string {
	t.Helper()
	text, warnings := man(t, page)
	if warnings != "" {
		t.Errorf("man warns:\n%s", warnings)
	}
	return text
}

func man(t *testing.T, page string) (text, warnings string) {
	t.Helper()
	var out, complaints bytes.Buffer
	cmd := exec.Command("man", "--warnings", "-E", "UTF-8", "-P", "cat", "-l", page)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH=100", "MANROFFOPT=-ww")
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &complaints)
	}
	return out.String(), complaints.String()
}
