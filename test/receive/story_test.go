package receive

import (
	"errors"
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

// listener is one of the daemon's.
type listener struct{ address, mode string }

// setup is what differs in a story's configuration.
type setup struct {
	listeners []listener // none: the first milter address, mode verify
	more      string     // tables of postseal.toml, such as [verify]
}

// story is a running daemon and what a test does with it.
type story struct {
	folder.Folder
	daemon *daemon.Daemon
	got    []delivery
}

// begin starts a daemon as the service user.
func begin(t *testing.T, c setup) *story {
	t.Helper()
	s := &story{Folder: folder.Folder{T: t, Dir: filepath.Join(sandbox.Dir(), "stories", fmt.Sprint(count.Add(1)))}} // anew with -count
	if len(c.listeners) == 0 {
		c.listeners = []listener{{milter, "verify"}}
	}
	s.Must(os.MkdirAll(s.Dir, 0o755))
	s.Write("keytable", "lab lab.test:postseal:"+labKeyFile()+"\n")
	s.Write("signingtable", "*@lab.test lab\n")
	s.Write("postseal.toml", s.configuration(c))
	mail := len(mta.Log())
	t.Cleanup(func() { s.end(mail) })

	var addresses []string
	for _, l := range c.listeners {
		addresses = append(addresses, l.address)
	}
	d, err := postseal.Serve(s.Path("postseal.toml"), s.Path("log"), sandbox.ServiceID, addresses...)
	s.Must(err)
	s.daemon = d
	return s
}

func (s *story) configuration(c setup) string {
	var b strings.Builder
	for _, l := range c.listeners {
		fmt.Fprintf(&b, "[[listener]]\naddress = \"inet:%s\"\nmode = %q\n\n", l.address, l.mode)
	}
	fmt.Fprintf(&b, "[sign]\nkeytable = %q\nsigningtable = %q\n\n", s.Path("keytable"), "refile:"+s.Path("signingtable"))
	fmt.Fprintf(&b, "[log]\nformat = \"json\"\n\n%s\n", c.more)
	return b.String()
}

// end stops the daemon, and after a failure prints all that may tell why.
func (s *story) end(mail int) {
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
	s.Logf("mail log:\n%.9000s", mta.Log()[mail:])
	for _, d := range s.got {
		s.Logf("delivered from <%s>:\n%.3000s", d.From, d.Data)
	}
}

// connect opens port 25 of server as a stranger.
func (s *story) connect(server string) *submit.Session {
	s.Helper()
	session, err := submit.Open(submit.Options{Address: server + ":25", Source: sandbox.ClientIPv4})
	s.Must(err)
	return session
}

// submit sends msg to the submission port of server as a user who has logged in, and waits until it has arrived.
func (s *story) submit(server string, msg []byte) delivery {
	s.Helper()
	session, err := submit.Open(submit.Options{
		Address: server + ":587", Source: sandbox.ClientIPv4, User: postfix.Alice, Password: postfix.Password, Roots: mta.Roots,
	})
	s.Must(err)
	t := newTicket()
	s.Must(errors.Join(session.Send(string(t), []string{"reader@in.test"}, msg), session.Quit()))
	return s.delivered(t, msg)
}
