// Package place has what a postseal with a name server of its own needs: a directory, a store that is nobody's, and a port for
// the server. Any number of places stand side by side in a sandbox.
package place

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/folder"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// Nobody owns the store: root has to become this user before touching it.
const Nobody = 65534

// Place is one of them.
type Place struct {
	folder.Folder        // anybody may look into it; in it are db and identity, which are Nobody's
	Port          int    // of its name server, on 127.0.0.1
	Program       string // postseal
}

var (
	made    atomic.Int32
	install = sync.OnceValues(func() (daemon.Program, error) { return daemon.Install(sandbox.Dir()) })
)

// New makes a place.
func New(t *testing.T) *Place {
	t.Helper()
	n := made.Add(1)
	p := &Place{Folder: folder.Folder{T: t, Dir: filepath.Join(sandbox.Dir(), fmt.Sprintf("place%d", n))}, Port: 5300 + int(n)} // what connects has ports from 32768 on
	program, err := install()
	p.Must(err)
	p.Program = string(program)
	p.Must(os.Mkdir(p.Dir, 0o755))
	p.NobodysDir("db")
	p.NobodysDir("identity")
	return p
}

// NobodysDir makes a directory for Nobody alone.
func (p *Place) NobodysDir(name string) {
	p.Helper()
	p.Must(os.Mkdir(p.Path(name), 0o700))
	p.Must(os.Chown(p.Path(name), Nobody, Nobody))
}

// Postseal is a command of postseal, with the place's configuration, as root.
func (p *Place) Postseal(args ...string) *exec.Cmd {
	return exec.Command(p.Program, append(args, "--config", p.Path("postseal.toml"))...)
}

// Tool runs somebody else's program with an input. It has to end well.
func (p *Place) Tool(input, name string, args ...string) string {
	p.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// NameServer is its address with the port.
func (p *Place) NameServer() string { return fmt.Sprintf("127.0.0.1:%d", p.Port) }

// Resolver asks the place's name server.
func (p *Place) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, p.NameServer())
	}}
}

// Texts are the TXT records of a name there.
func (p *Place) Texts(name string) []string {
	p.Helper()
	texts, err := p.Resolver().LookupTXT(p.Context(), name+".")
	if missing := (*net.DNSError)(nil); errors.As(err, &missing) && missing.IsNotFound {
		return nil
	}
	p.Must(err)
	return texts
}
