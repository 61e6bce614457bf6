package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// The ways to a unix socket that Postfix takes or does not take, in its chroot and outside: the doctor computes them from modes, and
// Postfix tries.
func TestSocket(t *testing.T) {
	for name, c := range map[string]struct {
		milter    string // as main.cf has it
		inQueue   bool   // the socket is in the queue directory
		chroot    bool
		more      string      // of the listener
		directory os.FileMode // of the socket's, postseal:postfix
		want      []string
		log       string // what Postfix says
	}{
		"manual":    {"unix:postseal/milter.sock", true, true, "", 0o2750, nil, ""},
		"no chroot": {"unix:postseal/milter.sock", true, false, "", 0o2750, nil, ""},
		"elsewhere": {"unix:OUTSIDE/milter.sock", false, false, "", 0o2750, nil, ""},
		"outside":   {"unix:OUTSIDE/milter.sock", false, true, "", 0o2750, []string{"error socket-outside-chroot"}, "No such file or directory"},
		"mode":      {"unix:postseal/milter.sock", true, true, `socket_mode = "0600"`, 0o2750, []string{"error socket-denied"}, "Permission denied"},
		"directory": {"unix:postseal/milter.sock", true, true, `socket_mode = "0666"`, 0o700, []string{"error directory-denied"}, "Permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			queue := filepath.Join(sandbox.Dir(), strings.ReplaceAll(t.Name(), "/", "-"), "postfix/queue")
			socket := filepath.Join(queue, "postseal/milter.sock")
			if !c.inQueue {
				socket = filepath.Join(t.TempDir(), "milter.sock")
			}
			s := begin(t, "unix:"+socket, c.more)
			s.postfix(postfix.Config{Milter: strings.Replace(c.milter, "OUTSIDE", filepath.Dir(socket), 1), Chroot: c.chroot, Extra: []string{bounces}})
			s.directory(filepath.Dir(socket), c.directory)
			s.serve(socket)
			s.finds([]string{"--no-dns"}, c.want...)
			if signed := s.sends(); signed != (c.want == nil) {
				t.Errorf("the doctor found %q, and signed is %v\n%s", c.want, signed, s.mta.Log())
			}
			s.logs(c.log)
		})
	}
}

// directory makes the socket's.
func (s *story) directory(path string, mode os.FileMode) {
	s.Helper()
	group, err := postfix.GroupID()
	s.Must(err)
	s.Must(os.MkdirAll(path, 0o755))
	s.Must(os.Chmod(filepath.Dir(path), 0o755)) // the test's own above it
	s.Must(os.Chown(path, sandbox.ServiceID, group))
	bits := mode.Perm()
	if mode&0o2000 != 0 {
		bits |= os.ModeSetgid
	}
	s.Must(os.Chmod(path, bits))
}

// Root reads a key that the service does not; the doctor's command mends it.
func TestKeyForRootAlone(t *testing.T) {
	s := begin(t, byPort, "")
	s.postfix(postfix.Config{Milter: "inet:" + inetMilter, Extra: []string{bounces}})
	key := s.Path("own.pem")
	text, err := os.ReadFile(keyFile())
	s.Must(err)
	s.Must(os.WriteFile(key, text, 0o600))
	s.Write("keytable", "lab lab.test:s1:"+key+"\n")
	s.serve(inetMilter)
	r := s.finds(nil, "error service-cannot-read")
	if s.sends() {
		t.Error("mail is signed all the same")
	}
	s.run("sh", "-c", r.change("service-cannot-read"))
	s.finds(nil)
	if _, err := s.daemon.Reload(); err != nil {
		t.Fatal(err)
	}
	if !s.sends() {
		t.Errorf("mail is not signed: %s", s.daemon.Log())
	}
}
