// Package doctor has the doctor look at a real Postfix and the sendmail.cf of a real Sendmail, and asks these whether it is right.
package doctor

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/resolver"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
	"github.com/postseal/postseal/test/internal/zones"
)

// The parts that all stories share: DNS that is signed from its root on, the place where mail arrives, and a key of lab.test.
var (
	postseal daemon.Program
	nextHop  *sink.Sink
)

const (
	mtaAddress       = "127.7.0.1"
	sinkAddress      = "127.7.0.9"
	authorityAddress = "127.7.0.54"
	inetMilter       = "127.0.0.1:8891"
)

func TestMain(m *testing.M) { sandbox.MainAfter(m, build) }

func build(dir string) (err error) {
	if postseal, err = daemon.Install(dir); err != nil {
		return err
	}
	record, err := postseal.Keygen("lab.test", "s1", "rsa", keyFile())
	if err != nil {
		return err
	}
	if err := belongsToService(keyFile(), 0o640); err != nil {
		return err
	}
	server, err := zones.Start(filepath.Join(dir, "zones"), authorityAddress, []zones.Zone{
		{Name: "lab.test", Trust: zones.Secure, Records: "s1._domainkey 3600 " + zones.TXT(record) + `
_dmarc 3600 TXT "v=DMARC1; p=reject"
@ 3600 TXT "v=spf1 mx -all"
`},
		{Name: "bare.test", Trust: zones.Secure, Records: `_dmarc 3600 TXT "v=DMARC1; p=reject"`},
	})
	if err != nil {
		return err
	}
	_, err = resolver.Start(resolver.Config{Dir: filepath.Join(dir, "unbound"), Address: sandbox.Resolver, Root: authorityAddress, Anchor: server.Anchor})
	if err != nil {
		return err
	}
	nextHop, err = sink.Listen(sinkAddress + ":25")
	return err
}

func keyFile() string { return filepath.Join(sandbox.Dir(), "s1.pem") }

// belongsToService makes a file root's, for the service to read.
func belongsToService(path string, mode os.FileMode) error {
	if err := os.Chown(path, 0, sandbox.ServiceID); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}
