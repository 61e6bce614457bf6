package sendmail

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/nameserver"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sendmail"
	"github.com/postseal/postseal/test/internal/sink"
)

// The parts that all stories share: a name server, the place where mail arrives, one Sendmail and some keys. Each story runs a
// daemon of its own, behind the milter addresses that Sendmail knows.
var (
	postseal daemon.Program
	dns      *nameserver.Server
	nextHop  *sink.Sink
	mta      *sendmail.Sendmail
	packaged string // the lines of sendmail.mc that the package has
)

// Where Sendmail listens; each address has its own milters.
const (
	mxAddress      = sandbox.OuterIPv4 // as docs/sendmail.md says it, from outside
	localAddress   = "127.7.0.1"       // the same, and where sendmail(1) delivers
	waitAddress    = "127.7.0.2"       // F=T: mail waits for the milter
	socketAddress  = "127.7.0.3"       // unix socket
	refuseAddress  = "127.7.0.4"       // F=R: mail is refused without the milter
	signerFirst    = "127.7.0.5"       // our listener, then a second milter
	signerLast     = "127.7.0.6"       // the other way round
	sinkAddress    = "127.7.0.9"
	oldAddress     = "127.7.0.10"     // of a next hop without 8BITMIME
	inetMilter     = "127.0.0.1:8891" // of packaging/mta/sendmail.mc
	secondMilter   = "127.0.0.1:8892"
	socketName     = "postseal.sock"
	daemonName     = "MTA"
	submissionName = "MSA"
)

// milters are lines of sendmail.mc beside the packaged one.
const milters = "INPUT_MAIL_FILTER(`waiting', `S=inet:8891@127.0.0.1, F=T, T=S:10s;R:10s;E:5m')dnl\n" +
	"INPUT_MAIL_FILTER(`refusing', `S=inet:8891@127.0.0.1, F=R, T=S:10s;R:10s;E:5m')dnl\n" +
	"INPUT_MAIL_FILTER(`socket', `S=local:/milter/" + socketName + "')dnl\n" +
	"INPUT_MAIL_FILTER(`second', `S=inet:8892@127.0.0.1, F=T')dnl\n"

func TestMain(m *testing.M) { sandbox.MainAfter(m, build) }

func build(dir string) (err error) {
	if postseal, err = daemon.Install(dir); err != nil {
		return err
	}
	if dns, err = nameserver.Start(filepath.Join(dir, "dns"), sandbox.Resolver, sandbox.OuterIPv4); err != nil {
		return err
	}
	if err := makeKeys(keyDir()); err != nil {
		return err
	}
	if nextHop, err = sink.Listen(sinkAddress + ":25"); err != nil {
		return err
	}
	if err := nextHop.ListenSevenBit(oldAddress + ":25"); err != nil {
		return err
	}
	lines, err := os.ReadFile("../../packaging/mta/sendmail.mc")
	if err != nil {
		return err
	}
	packaged = string(lines)
	mta, err = sendmail.Start(sendmail.Config{
		Root: filepath.Join(dir, "sendmail"),
		Daemons: []sendmail.Daemon{
			{Name: daemonName, MSA: submissionName, Address: mxAddress, Milters: []string{"postseal"}},
			{Name: daemonName, MSA: submissionName, Address: sandbox.OuterIPv6, Milters: []string{"postseal"}},
			{Name: daemonName, MSA: "ORIGINATING", Address: localAddress, Milters: []string{"postseal"}},
			{Name: daemonName, Address: waitAddress, Milters: []string{"waiting"}},
			{Name: daemonName, Address: refuseAddress, Milters: []string{"refusing"}},
			{Name: daemonName, Address: socketAddress, Milters: []string{"socket"}},
			{Name: daemonName, Address: signerFirst, Milters: []string{"postseal", "second"}},
			{Name: daemonName, Address: signerLast, Milters: []string{"second", "postseal"}},
		},
		Submission: waitAddress,
		NextHop:    sinkAddress,
		Routes:     map[string]string{"old.in.test": oldAddress},
		Settings:   packaged + "\n" + milters,
	})
	if err != nil {
		return err
	}
	return os.Chown(mta.Milter(""), sandbox.ServiceID, sandbox.ServiceID)
}

func keyDir() string { return filepath.Join(sandbox.Dir(), "keys") }

func keyFile(selector string) string { return filepath.Join(keyDir(), selector+".pem") }

// makeKeys has postseal keygen make keys and publishes the records that it prints: r1 is RSA, e1 is Ed25519, of lab.test, and
// of out.test, whose owner is a stranger.
func makeKeys(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for selector, algorithm := range map[string]string{"r1": "rsa", "e1": "ed25519"} {
		record, err := postseal.Keygen("lab.test", selector, algorithm, keyFile(selector))
		if err != nil {
			return err
		}
		for _, domain := range []string{"lab.test", "out.test"} {
			if err := dns.SetTXT(selector+"._domainkey."+domain, record); err != nil {
				return err
			}
		}
	}
	return nil
}
