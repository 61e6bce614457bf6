// Package opendkim runs Debian's OpenDKIM as a signing milter.
package opendkim

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/postseal/postseal/test/internal/child"
)

// Config is what it signs with, and for whom.
type Config struct {
	Dir              string // made for its files
	Address          string // to listen on, "127.0.0.1:8891"
	Domain, Selector string
	KeyFile          string
}

const configuration = `Syslog no
Background no
Mode s
Socket inet:%s@%s
Domain %s
Selector %s
KeyFile %s
RequireSafeKeys no
`

// Start returns when it listens.
func Start(c Config) (*child.Process, error) {
	if err := os.Mkdir(c.Dir, 0o755); err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(c.Address)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(c.Dir, "opendkim.conf")
	text := fmt.Sprintf(configuration, port, host, c.Domain, c.Selector, c.KeyFile)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return nil, err
	}
	p, err := child.Start(exec.Command("opendkim", "-f", "-x", file), filepath.Join(c.Dir, "log"))
	if err != nil {
		return nil, err
	}
	return p, p.Ready(c.Address)
}
