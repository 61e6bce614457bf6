// Package start looks at how postseal ends where it cannot begin: each error says what is wrong, where, and what to do,
// and has the exit code that the manual and the unit go by.
package start

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/sandbox"
)

var postseal daemon.Program

func TestMain(m *testing.M) {
	sandbox.MainAfter(m, func(dir string) (err error) {
		postseal, err = daemon.Install(dir)
		return err
	})
}

// place is a directory of the service's user, with a configuration that works but for what a situation changes.
type place struct {
	t   *testing.T
	dir string
}

func newPlace(t *testing.T) place {
	t.Helper()
	dir, err := os.MkdirTemp(sandbox.Dir(), "p")
	if err != nil {
		t.Fatal(err)
	}
	p := place{t, dir}
	p.must(os.Chmod(dir, 0o755))
	p.give(dir)
	p.write("keytable", "")
	p.write("signingtable", "")
	return p
}

// config writes postseal.toml: DIR in a text is the place's directory.
func (p place) config(text string) string {
	p.t.Helper()
	if !strings.Contains(text, "[sign]") {
		text += "\n[sign]\nkeytable = \"DIR/keytable\"\nsigningtable = \"DIR/signingtable\"\n"
	}
	if !strings.Contains(text, "[[listener]]") {
		text += "\n[[listener]]\naddress = \"unix:DIR/milter.sock\"\n"
	}
	p.write("postseal.toml", p.in(text))
	return p.path("postseal.toml")
}

func (p place) in(text string) string      { return strings.ReplaceAll(text, "DIR", p.dir) }
func (p place) path(name string) string    { return filepath.Join(p.dir, name) }
func (p place) give(path string)           { p.must(os.Chown(path, sandbox.ServiceID, sandbox.ServiceID)) }
func (p place) mode(name string, m uint32) { p.must(syscall.Chmod(p.path(name), m)) }

func (p place) write(name, text string) {
	p.t.Helper()
	p.must(os.WriteFile(p.path(name), []byte(text), 0o600))
	p.give(p.path(name))
}

// mkdir makes a directory of root's, or of the service's.
func (p place) mkdir(name string, service bool) {
	p.t.Helper()
	p.must(os.Mkdir(p.path(name), 0o755))
	if service {
		p.give(p.path(name))
	}
}

// mount lays a small file system over a directory.
func (p place) mount(name, size string, flags uintptr) {
	p.t.Helper()
	p.mkdir(name, true)
	p.must(syscall.Mount("small", p.path(name), "tmpfs", 0, "mode=0700,size="+size+fmt.Sprintf(",uid=%d,gid=%d", sandbox.ServiceID, sandbox.ServiceID)))
	p.t.Cleanup(func() { syscall.Unmount(p.path(name), syscall.MNT_DETACH) })
	if flags != 0 {
		p.must(syscall.Mount("", p.path(name), "", syscall.MS_REMOUNT|flags, ""))
	}
}

func (p place) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}
