// Package opendmarc runs Debian's OpenDMARC: a milter that reads Authentication-Results and adds what follows for DMARC.
package opendmarc

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/postseal/postseal/test/internal/child"
)

// Config says whom it believes.
type Config struct {
	Dir        string // made for its files
	Address    string // to listen on, "127.0.0.1:8893"
	AuthservID string // whose results it reads; its own carry this name too
}

// It reports and refuses nothing, and hears of DKIM alone.
const configuration = `AuthservID %[1]s
TrustedAuthservIDs %[1]s
Socket inet:%[2]s@%[3]s
Background false
Syslog false
RejectFailures false
SPFIgnoreResults true
SPFSelfValidate false
IgnoreHosts %[4]s
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
	file, ignored := filepath.Join(c.Dir, "opendmarc.conf"), filepath.Join(c.Dir, "ignored")
	for name, text := range map[string]string{
		file:    fmt.Sprintf(configuration, c.AuthservID, port, host, ignored),
		ignored: "203.0.113.1\n", // nobody; without the file it would be 127.0.0.1
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	p, err := child.Start(exec.Command("opendmarc", "-f", "-c", file), filepath.Join(c.Dir, "log"))
	if err != nil {
		return nil, err
	}
	return p, p.Ready(c.Address)
}
