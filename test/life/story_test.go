package life

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/folder"
	"github.com/postseal/postseal/test/internal/machine"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// setup is what differs in the configuration of a story; an empty one is a daemon with a store of its own on disk.
type setup struct {
	store    string // URL; a file in the story's directory if empty
	identity string // path of the sealing identity; in the story's directory if empty
	via      string // of [check]; authoritative if empty
	resolver string // HOST:PORT; what /etc/resolv.conf has if empty
	sign     string // lines of [sign]; no tables if empty
	tables   string // further tables

	on *machine.Machine // the sandbox's own if nil
}

// noTables: only the store has keys.
const noTables = "keytable = \"\"\nsigningtable = \"\""

// story is a running daemon, and whoever gives it commands.
type story struct {
	folder.Folder
	place
	config string
	on     *machine.Machine // the sandbox's own if nil
	daemon *daemon.Daemon
	others []*story // daemons on the same store
	got    []delivery
}

// begin starts a daemon as the service user.
func begin(t *testing.T, c setup) *story {
	t.Helper()
	s := prepare(t, c)
	s.start()
	return s
}

// prepare makes all that a daemon needs.
func prepare(t *testing.T, c setup) *story {
	t.Helper()
	s := &story{
		Folder: folder.Folder{T: t, Dir: filepath.Join(sandbox.Dir(), "stories", strings.ReplaceAll(t.Name(), "/", "-"))},
		place:  newPlace(t, c.on != nil && c.on.Address != ""), on: c.on,
	}
	s.Dir += "-" + strings.TrimSuffix(s.zone, ".test")
	s.Must(os.MkdirAll(s.Dir, 0o755))
	for _, dir := range []string{"db", "identity"} {
		s.Must(os.MkdirAll(s.Path(dir), 0o700))
		s.Must(os.Chown(s.Path(dir), sandbox.ServiceID, sandbox.ServiceID))
	}
	s.config = s.Path("postseal.toml")
	s.Write("postseal.toml", s.configuration(c))
	t.Cleanup(s.end)
	return s
}

func (s *story) configuration(c setup) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[[listener]]\naddress = %q\nsocket_mode = \"0666\"\nmode = \"sign\"\n\n", s.listener())
	fmt.Fprintf(&b, "[store]\nurl = %q\nidentity = %q\n\n", cmp.Or(c.store, "sqlite:"+s.Path("db/postseal.db")), cmp.Or(c.identity, s.Path("identity/identity")))
	fmt.Fprintf(&b, "[check]\nvia = %q\n\n", cmp.Or(c.via, "authoritative"))
	if c.resolver != "" {
		fmt.Fprintf(&b, "[dns]\nnameservers = [%q]\n\n", c.resolver)
	}
	fmt.Fprintf(&b, "[sign]\n%s\n\n[log]\nformat = \"json\"\n\n%s\n", cmp.Or(c.sign, noTables), c.tables)
	return b.String()
}

// start starts the daemon, or another one where the last one ended. They all write to one log.
func (s *story) start() {
	s.Helper()
	var err error
	if s.on == nil {
		s.daemon, err = program.Serve(s.config, s.Path("log"), sandbox.ServiceID, s.milter)
	} else {
		s.daemon, err = program.ServeOn(s.on, s.config, s.Path("log"), sandbox.ServiceID, s.milter)
	}
	s.Must(err)
}

// end stops the daemon, and after a failure prints all that may tell why.
func (s *story) end() {
	if s.daemon != nil {
		if err := s.daemon.Stop(); err != nil {
			s.Errorf("postseal's end: %v", err)
		}
	}
	if !s.Failed() || s.daemon == nil {
		return
	}
	s.Logf("log of postseal:\n%s", s.daemon.Log())
	for _, d := range s.got[max(0, len(s.got)-3):] {
		s.Logf("delivered from <%s> to %v:\n%.3000s", d.Message.From, d.Message.To, d.Data)
	}
}

// within runs a part of the story as a subtest; its failures are the subtest's own, on whatever host.
func (s *story) within(name string, part func()) {
	s.Helper()
	parent := s.T
	all := append([]*story{s}, s.others...)
	ok := parent.Run(name, func(t *testing.T) {
		for _, s := range all {
			s.T = t
			defer func() { s.T = parent }()
		}
		part()
	})
	if !ok {
		s.FailNow() // what follows stands on it
	}
}

// tells waits for the daemon to notify of an event, once more than before.
func (s *story) tells(event, domain string, before int) daemon.Line {
	s.Helper()
	var found daemon.Line
	s.Must(await.Patiently(event+" of "+domain, func() bool {
		told := s.told(event, domain)
		if len(told) <= before {
			return false
		}
		found = told[before]
		return true
	}))
	return found
}

// told are the notifications of an event so far, by whichever daemon.
func (s *story) told(event, domain string) (lines []daemon.Line) {
	for _, one := range append([]*story{s}, s.others...) {
		for _, l := range one.daemon.Lines() {
			if l.Msg == "notification" && l.Event == event && l.Domain == domain {
				lines = append(lines, l)
			}
		}
	}
	return lines
}

// follows waits until the milter has read the store once more than before, and returns that line.
func (s *story) follows(before int) daemon.Line {
	s.Helper()
	var found daemon.Line
	s.Must(await.That("the milter follows the store", func() bool {
		read := s.reads()
		if len(read) <= before {
			return false
		}
		found = read[before]
		return true
	}))
	return found
}

// reads are the lines of the log about the store having been read.
func (s *story) reads() (lines []daemon.Line) {
	for _, l := range s.daemon.Lines() {
		if l.Msg == "store read" {
			lines = append(lines, l)
		}
	}
	return lines
}
