package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/postseal/postseal/test/internal/sandbox"
)

// exitListen is the code when a listener cannot be opened: systemd tries again, since the reason may go away.
const exitListen = 5

// kill -9 leaves the socket's file behind. The next daemon takes its place, and Postfix finds it there from within its chroot.
func TestStaleSocketIsReplaced(t *testing.T) {
	s := begin(t, setup{})
	s.daemon.Kill()
	for _, path := range []string{unixMilter(), jailed.InQueue(jailMilter)} {
		if info, err := os.Lstat(path); err != nil || info.Mode().Type() != fs.ModeSocket {
			t.Fatalf("no socket was left behind: %v, %v", info, err)
		}
	}
	s.start()
	for _, address := range []string{unixAddress, jailedAddress} {
		session := s.connect("", address)
		s.agreesAndVerifies(s.send(session, compose("alice@lab.test")))
		s.Must(session.Quit())
	}
}

// A second daemon must not take the place of one that lives.
func TestLiveSocketIsRefusedToASecondDaemon(t *testing.T) {
	s := begin(t, setup{})
	for _, c := range []struct{ name, address, words string }{
		{"unix", "unix:" + jailed.InQueue(jailMilter), "another program answers on this socket; stop it first"},
		{"TCP", "inet:" + inetMilter, "another program listens there already; stop it or choose another port"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.Write("second.toml", fmt.Sprintf("[[listener]]\naddress = %q\n[sign]\nkeytable = %q\nsigningtable = %q\n",
				c.address, s.Path("keytable"), "refile:"+s.Path("signingtable")))
			code, words, err := postseal.ServeInVain(s.Path("second.toml"), sandbox.ServiceID)
			s.Must(err)
			if code != exitListen || !strings.Contains(words, c.address+": "+c.words) {
				t.Errorf("exit code %d, want %d:\n%s", code, exitListen, words)
			}
		})
	}
	for _, address := range []string{directAddress, jailedAddress} { // the first one goes on
		session := s.connect("", address)
		s.agreesAndVerifies(s.send(session, compose("alice@lab.test")))
		s.Must(session.Quit())
	}
}

// A file that is no socket is nobody's to remove.
func TestFileInTheSocketsPlaceIsLeftAlone(t *testing.T) {
	s := begin(t, setup{})
	s.Write("precious", "not a socket")
	s.Must(os.Chmod(s.Dir, 0o777)) // the service user could remove it
	s.Write("second.toml", fmt.Sprintf("[[listener]]\naddress = %q\n[sign]\nkeytable = %q\nsigningtable = %q\n",
		"unix:"+s.Path("precious"), s.Path("keytable"), "refile:"+s.Path("signingtable")))
	code, words, err := postseal.ServeInVain(s.Path("second.toml"), sandbox.ServiceID)
	s.Must(err)
	if code != exitListen || !strings.Contains(words, "a file that is no socket stands there; move it away") {
		t.Errorf("exit code %d, want %d:\n%s", code, exitListen, words)
	}
	if text, err := os.ReadFile(s.Path("precious")); string(text) != "not a socket" {
		t.Errorf("the file is now %q, %v", text, err)
	}
}

// Who reaches the socket: owner, group and mode by the configuration, in a directory postseal:postfix 2750. Postfix's chrooted
// smtpd is user and group postfix; an ordinary user reaches it never.
func TestSocketBelongsToWhomTheConfigurationSays(t *testing.T) {
	for _, c := range []struct {
		name, socket string
		asRoot       bool
		owner, group string
		mode         fs.FileMode
		reached      bool // by Postfix
	}{
		{"defaults", ``, false, sandbox.Service, "postfix", 0o660, true},
		{"group and mode", `socket_group = "postfix"` + "\n" + `socket_mode = "0666"`, false, sandbox.Service, "postfix", 0o666, true},
		{"mode for the owner only", `socket_mode = "0600"`, false, sandbox.Service, "postfix", 0o600, false},
		{"owner and group by root", `socket_owner = "postfix"` + "\n" + `socket_group = "postseal"` + "\n" + `socket_mode = "0600"`, true, "postfix", sandbox.Service, 0o600, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t, setup{socket: c.socket, asRoot: c.asRoot})
			for _, path := range []string{unixMilter(), jailed.InQueue(jailMilter)} {
				s.belongs(path, c.owner, c.group, c.mode)
				if reaches(sandbox.AnyoneID, path) {
					t.Errorf("any user may write to %s", path)
				}
			}
			for _, address := range []string{unixAddress, jailedAddress} {
				m := compose("alice@lab.test")
				session := s.connect("", address)
				err := session.Send(m.from, []string{"reader@in.test"}, m.data)
				s.Must(session.Quit())
				if !c.reached {
					s.deferred(err, noMilter)
					continue
				}
				s.Must(err)
				s.agreesAndVerifies(s.arrived(m))
			}
		})
	}
}

// A group that the service user is not in cannot be given to the socket: better no daemon than a socket that Postfix does not reach.
func TestForeignSocketGroupIsRefused(t *testing.T) {
	s := begin(t, setup{})
	s.Must(s.daemon.Stop())
	s.Write("second.toml", fmt.Sprintf("[[listener]]\naddress = %q\nsocket_group = \"mail\"\n[sign]\nkeytable = %q\nsigningtable = %q\n",
		"unix:"+unixMilter(), s.Path("keytable"), "refile:"+s.Path("signingtable")))
	code, words, err := postseal.ServeInVain(s.Path("second.toml"), sandbox.ServiceID)
	s.Must(err)
	if code != exitListen || !strings.Contains(words, "the service's user has to be a member of the group") {
		t.Errorf("exit code %d, want %d:\n%s", code, exitListen, words)
	}
	if _, err := os.Lstat(unixMilter()); !os.IsNotExist(err) {
		t.Errorf("a socket was left behind: %v", err)
	}
}

// reaches tells whether a user, in no group but his own, may write to path, which is what connecting takes.
func reaches(uid uint32, path string) bool {
	cmd := exec.Command("test", "-w", path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return cmd.Run() == nil
}

// belongs checks the owner, group and mode of a socket.
func (s *story) belongs(path, owner, group string, mode fs.FileMode) {
	s.Helper()
	info, err := os.Lstat(path)
	s.Must(err)
	stat := info.Sys().(*syscall.Stat_t)
	u, err := user.LookupId(strconv.Itoa(int(stat.Uid)))
	s.Must(err)
	g, err := user.LookupGroupId(strconv.Itoa(int(stat.Gid)))
	s.Must(err)
	if u.Username != owner || g.Name != group || info.Mode() != fs.ModeSocket|mode {
		s.Errorf("%s is %s:%s %v, want %s:%s %v", path, u.Username, g.Name, info.Mode(), owner, group, fs.ModeSocket|mode)
	}
}
