package sendmail

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/folder"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sendmail"
	"github.com/postseal/postseal/test/internal/submit"
)

// listener is one of the daemon's.
type listener struct{ address, mode string }

// setup is what differs in a story's configuration; empty fields have the default that begin gives them.
type setup struct {
	listeners []listener // inetMilter, mode both
	sign      string     // further lines of [sign]
	more      string     // further tables
}

// story is a running daemon and what a test does with it.
type story struct {
	folder.Folder
	listeners []string
	daemon    *daemon.Daemon
	got       []delivery
}

var count atomic.Int64

// begin starts a daemon as the service user. Mail from lab.test is signed with an RSA and an Ed25519 key.
func begin(t *testing.T, c setup) *story {
	t.Helper()
	s := &story{Folder: folder.Folder{T: t, Dir: filepath.Join(sandbox.Dir(), "stories", fmt.Sprint(count.Add(1)))}} // anew with -count
	if len(c.listeners) == 0 {
		c.listeners = []listener{{"inet:" + inetMilter, "both"}}
	}
	s.Must(os.MkdirAll(s.Dir, 0o755))
	s.Write("keytable", "lab lab.test:r1:"+keyFile("r1")+"\nlab lab.test:e1:"+keyFile("e1")+"\n")
	s.Write("signingtable", "*@lab.test lab\n")
	s.Write("postseal.toml", s.configuration(c))
	for _, l := range c.listeners {
		_, address, _ := strings.Cut(l.address, ":")
		s.listeners = append(s.listeners, address)
	}
	log := len(mta.MailLog())
	t.Cleanup(func() { s.end(log) })
	s.start()
	return s
}

// start starts the daemon, or another one where the last one ended. They all write to one log.
func (s *story) start() {
	s.Helper()
	d, err := postseal.Serve(s.Path("postseal.toml"), s.Path("log"), sandbox.ServiceID, s.listeners...)
	s.Must(err)
	s.daemon = d
}

func (s *story) configuration(c setup) string {
	var b strings.Builder
	for _, l := range c.listeners {
		fmt.Fprintf(&b, "[[listener]]\naddress = %q\nmode = %q\n", l.address, l.mode)
		if strings.HasPrefix(l.address, "unix:") {
			fmt.Fprintf(&b, "socket_mode = \"0666\"\n")
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "[sign]\nkeytable = %q\nsigningtable = %q\n%s\n\n", s.Path("keytable"), "refile:"+s.Path("signingtable"), c.sign)
	fmt.Fprintf(&b, "[log]\nformat = \"json\"\n\n%s\n", c.more)
	return b.String()
}

// end stops the daemon, and after a failure prints all that may tell why.
func (s *story) end(log int) {
	if s.daemon == nil {
		return
	}
	if err := s.daemon.Stop(); err != nil {
		s.Errorf("postseal's end: %v", err)
	}
	if !s.Failed() {
		return
	}
	s.Logf("log of postseal:\n%.9000s", s.daemon.Log())
	s.Logf("mail log:\n%.9000s", mta.MailLog()[log:])
	for _, d := range s.got {
		s.Logf("delivered from <%s> to %v:\n%.4000s", d.From, d.To, d.Data)
	}
}

// in is s for a subtest.
func (s *story) in(t *testing.T) *story {
	sub := *s
	sub.T = t
	return &sub
}

// outside are strangers' addresses, by the address at which they find the server.
var outside = map[string]string{sandbox.OuterIPv4: sandbox.ClientIPv4, sandbox.OuterIPv6: sandbox.ClientIPv6}

// connect opens port 25 of server, as a stranger if it is an address that strangers see.
func (s *story) connect(server string) *submit.Session {
	s.Helper()
	session, err := submit.Open(submit.Options{Address: "[" + server + "]:25", Source: outside[server]})
	s.Must(err)
	return session
}

// login opens the submission port of server from outside, and authenticates.
func (s *story) login(server, user string) *submit.Session {
	s.Helper()
	session, err := submit.Open(submit.Options{
		Address: "[" + server + "]:587", Source: cmp.Or(outside[server], sandbox.ClientIPv4),
		User: user, Password: sendmail.Password, Roots: mta.Roots,
	})
	s.Must(err)
	return session
}
