package e2e

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/folder"
	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/submit"
)

// setup is what differs in a story's configuration; empty fields have the default that begin gives them.
type setup struct {
	keytable     string // lines; the key of NAME lab is r1
	signingtable string // lines; *@lab.test has NAME lab
	sign         string // further lines of [sign]
	limits       string // lines of [limits]
	inet         string // TCP address of the daemon; Postfix connects to inetMilter
	socket       string // further lines of the unix listeners
	asRoot       bool   // the daemon runs as root, not as the service user
	log          string // format of the log; the helpers read only the default, json
	tables       string // further tables
}

// story is a running daemon and what a test does with it.
type story struct {
	folder.Folder
	daemon *daemon.Daemon
	listen []string // where the daemon answers
	uid    uint32   // of the daemon
	got    []delivery
}

// begin starts a daemon as the service user, on all listeners that the two Postfix instances know.
func begin(t *testing.T, c setup) *story {
	t.Helper()
	s := &story{Folder: folder.Folder{T: t, Dir: filepath.Join(sandbox.Dir(), "stories", t.Name())}}
	s.uid = sandbox.ServiceID
	if c.asRoot {
		s.uid = 0
	}
	s.listen = []string{cmp.Or(c.inet, inetMilter), unixMilter(), jailed.InQueue(jailMilter)}
	s.Must(os.RemoveAll(s.Dir)) // of an earlier run with -count
	s.Must(os.MkdirAll(s.Dir, 0o755))
	s.Write("keytable", cmp.Or(c.keytable, key("lab", "r1")))
	s.Write("signingtable", cmp.Or(c.signingtable, "*@lab.test lab\n"))
	s.Write("postseal.toml", s.configuration(c))

	var mail [3]int
	for i, pf := range []*postfix.Postfix{direct, jailed, lenient} {
		mail[i] = len(pf.Log())
	}
	t.Cleanup(func() { s.end(mail) })
	s.start()
	return s
}

// start starts the daemon, or another one where the last one ended. They all write to one log.
func (s *story) start() {
	s.Helper()
	d, err := postseal.Serve(s.Path("postseal.toml"), s.Path("log"), s.uid, s.listen...)
	s.Must(err)
	s.daemon = d
}

func (s *story) configuration(c setup) string {
	var b strings.Builder
	for _, address := range s.listen {
		kind, more := "inet:", ""
		if address[0] == '/' {
			kind, more = "unix:", c.socket
		}
		fmt.Fprintf(&b, "[[listener]]\naddress = %q\nmode = \"sign\"\n%s\n\n", kind+address, more)
	}
	fmt.Fprintf(&b, "[sign]\nkeytable = %q\nsigningtable = %q\n%s\n\n", s.Path("keytable"), "refile:"+s.Path("signingtable"), c.sign)
	fmt.Fprintf(&b, "[limits]\n%s\n\n", c.limits)
	fmt.Fprintf(&b, "[log]\nformat = %q\n\n%s", cmp.Or(c.log, "json"), c.tables)
	return b.String()
}

// end stops the daemon, and after a failure prints all that may tell why.
func (s *story) end(mail [3]int) {
	if s.daemon != nil {
		if err := s.daemon.Stop(); err != nil {
			s.Errorf("postseal's end: %v", err)
		}
	}
	if !s.Failed() {
		return
	}
	if s.daemon != nil {
		s.Logf("log of postseal:\n%s", s.daemon.Log())
	}
	for i, pf := range []*postfix.Postfix{direct, jailed, lenient} {
		s.Logf("mail log of %s:\n%s", filepath.Base(pf.Dir), pf.Log()[mail[i]:])
	}
	for _, d := range s.got {
		s.Logf("delivered from <%s> to %v:\n%.4096s", d.Message.From, d.Message.To, d.Data)
	}
}

// key is a line of a key table: NAME for the key of lab.test with selector.
func key(name, selector string) string {
	return fmt.Sprintf("%s lab.test:%s:%s\n", name, selector, keyFile(selector))
}

// reload sends SIGHUP and returns the log's answer.
func (s *story) reload() daemon.Line {
	s.Helper()
	l, err := s.daemon.Reload()
	s.Must(err)
	return l
}

// connect opens port 25 of server from the address source.
func (s *story) connect(source, server string) *submit.Session {
	s.Helper()
	session, err := submit.Open(submit.Options{Address: hostPort(server, "25"), Source: source})
	s.Must(err)
	return session
}

// login opens the submission port of server from the address source, and authenticates.
func (s *story) login(pf *postfix.Postfix, source, server, user string) *submit.Session {
	s.Helper()
	session, err := submit.Open(submit.Options{
		Address: hostPort(server, "587"), Source: source, User: user, Password: postfix.Password, Roots: pf.Roots,
	})
	s.Must(err)
	return session
}

func hostPort(host, port string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + port
}
