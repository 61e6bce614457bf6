// Package postfix runs private instances of Debian's Postfix: port 25 for strangers, port 587 for submission with SASL and
// STARTTLS, sendmail(1), and everything that is accepted goes to one next hop.
package postfix

import (
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/postseal/postseal/test/internal/await"
)

// Users who may log in at port 587, all with Password.
const (
	Alice    = "alice@lab.test"
	Bob      = "bob@lab.test"
	Password = "lab-secret"
)

// Config says in what the instances of one sandbox differ.
type Config struct {
	Dir           string // made for queue, data and log
	ConfigDir     string // of main.cf; must have Debian's postfix-files (a copy of /etc/postfix)
	Listeners     []Listener
	NextHop       string   // IP address, port 25
	Milter        string   // smtpd_milters and non_smtpd_milters, as main.cf spells them
	Chroot        bool     // smtpd and cleanup in the queue directory, as Debian ships them
	DefaultAction string   // milter_default_action; tempfail if empty
	Extra         []string // further lines of main.cf
	Services      []string // further lines of master.cf
}

// Listener is an address at which ports 25 and 587 are served.
type Listener struct {
	Address string
	Milter  string // replaces Config.Milter for mail that comes in here, if not empty
}

// Postfix is a running instance.
type Postfix struct {
	Config
	Roots *x509.CertPool // trusts its STARTTLS certificate
}

// Start writes the configuration and returns when the instance listens.
func Start(c Config) (*Postfix, error) {
	p := &Postfix{Config: c}
	if err := p.write(); err != nil {
		return nil, err
	}
	// check makes the queue tree; what it says about an instance outside Debian's places goes to the mail log
	if out, err := exec.Command("postfix", "-c", c.ConfigDir, "check").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("postfix check: %w: %s\n%s", err, out, p.Log())
	}
	if c.Chroot {
		if err := p.fillChroot(); err != nil {
			return nil, err
		}
	}
	master := exec.Command("/usr/lib/postfix/sbin/master", "-w") // -w: return when initialized
	master.Env = append(os.Environ(), "MAIL_CONFIG="+c.ConfigDir)
	if err := master.Run(); err != nil { // outputs stay closed: the daemon would inherit a pipe and keep it open
		return nil, fmt.Errorf("postfix master: %w\n%s", err, p.Log())
	}
	return p, nil
}

// Log is the mail log.
func (p *Postfix) Log() []byte {
	b, err := os.ReadFile(p.logFile())
	if err != nil {
		return []byte(err.Error())
	}
	return b
}

// Stop ends the instance and waits for it.
func (p *Postfix) Stop() error {
	b, err := os.ReadFile(filepath.Join(p.queue(), "pid/master.pid"))
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return err
	}
	return await.That("end of Postfix", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
}

func (p *Postfix) queue() string   { return filepath.Join(p.Dir, "queue") }
func (p *Postfix) logFile() string { return filepath.Join(p.Dir, "mail.log") }

// InQueue is the path, seen from outside, of a file that a chrooted service knows as name.
func (p *Postfix) InQueue(name string) string { return filepath.Join(p.queue(), name) }
