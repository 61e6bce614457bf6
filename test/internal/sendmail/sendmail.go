// Package sendmail runs Debian's Sendmail, MTA and submission program, in a root directory of its own: port 25 for strangers,
// port 587 for submission with AUTH and STARTTLS, sendmail(1); everything that is accepted goes to one next hop.
package sendmail

import (
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/postseal/postseal/test/internal/certificate"
	"github.com/postseal/postseal/test/internal/child"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// The place of things inside the root.
const (
	program  = "usr/libexec/sendmail/sendmail" // MTA, sendmail(1) and all else
	mtaQueue = "var/spool/mqueue"
	mspQueue = "var/spool/mqueue-client"
)

// Config says what the configuration has beyond Debian's.
type Config struct {
	Root       string // is made
	Daemons    []Daemon
	Submission string            // address of the daemon that sendmail(1) speaks to
	NextHop    string            // IP address, port 25
	Routes     map[string]string // recipient domain: IP address of another next hop
	Settings   string            // further lines of sendmail.mc, such as INPUT_MAIL_FILTER
}

// Daemon is an address at which Sendmail listens.
type Daemon struct {
	Name    string // {daemon_name} at port 25
	MSA     string // {daemon_name} at port 587, where clients have to authenticate; not listened at if empty
	Address string
	Milters []string // names of INPUT_MAIL_FILTERs
}

// Sendmail is a running instance.
type Sendmail struct {
	Config
	Roots *x509.CertPool // trusts its STARTTLS certificate
	*child.Process
	journal *journal
}

// Start makes the root and returns when the instance listens everywhere.
func Start(c Config) (_ *Sendmail, err error) {
	s := &Sendmail{Config: c}
	if err := s.makeRoot(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.path("etc/mail/tls"), 0o755); err != nil {
		return nil, err
	}
	if s.Roots, err = certificate.Write(sandbox.Hostname, s.path("etc/mail/tls/cert.pem"), s.path("etc/mail/tls/key.pem")); err != nil {
		return nil, err
	}
	if err := s.writeUsers(); err != nil {
		return nil, err
	}
	if err := s.writeConfiguration(); err != nil {
		return nil, err
	}
	if s.journal, err = listen(s.path("dev/log")); err != nil {
		return nil, err
	}
	// -bD: in the foreground
	if s.Process, err = child.Start(s.command("/"+program, "-bD"), s.path("output")); err != nil {
		return nil, err
	}
	for _, d := range c.Daemons {
		if err := s.Ready("[" + d.Address + "]:25"); err != nil {
			return nil, fmt.Errorf("%w\n%s", err, s.MailLog())
		}
	}
	return s, nil
}

// MailLog is what Sendmail has said to syslog.
func (s *Sendmail) MailLog() []byte { return s.journal.text() }

// Milter is the path, seen from outside, of a socket that Sendmail knows as /milter/NAME.
func (s *Sendmail) Milter(name string) string { return s.path("milter", name) }

// command is a program that runs inside the root.
func (s *Sendmail) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: s.Root}
	return cmd
}

// run runs a command to its end.
func (s *Sendmail) run(name string, args ...string) error {
	if out, err := s.command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v in Sendmail's root: %w: %s", name, args, err, out)
	}
	return nil
}
