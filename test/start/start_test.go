package start

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// situation is one in which serve cannot begin.
type situation struct {
	name    string
	config  string // beside tables and listener, which are there unless it has them
	prepare func(p place)
	code    int
	says    []string // what, where, and what to do
	checked bool     // check-config says the same
}

const (
	listener = "[[listener]]\n"
	store    = "[store]\nurl = \"sqlite:DIR/db/postseal.db\"\nidentity = \"DIR/id/identity\"\n"
)

var situations = []situation{
	// The configuration.
	{
		"configuration closed", "", func(p place) { p.must(os.Chown(p.path("postseal.toml"), 0, 0)) }, 78,
		[]string{"DIR/postseal.toml: cannot read it: ", "permission denied", "chgrp postseal DIR/postseal.toml && chmod 0640 DIR/postseal.toml"},
		true,
	},
	{"no TOML", "authserv_id = mx\n", nil, 78, []string{"DIR/postseal.toml:1: ", "the file is TOML: key = \"text\""}, true},
	{"unknown option", "[sign]\nkeytabel = \"x\"\n", nil, 78, []string{"DIR/postseal.toml:2: sign.keytabel: ", "did you mean \"keytable\"?"}, true},
	{"bad value", "[log]\nlevel = \"loud\"\n", nil, 78, []string{"DIR/postseal.toml:2: log.level: ", "debug"}, true},
	{"no address", listener + "address = \"8891\"\n", nil, 78, []string{"DIR/postseal.toml:2: listener[0].address: ", "inet:8891@127.0.0.1"}, true},
	{"address twice", listener + "address = \"inet:8891@127.0.0.1\"\n" + listener + "address = \"inet:8891@127.0.0.1\"\n", nil, 78, []string{"listener[1].address: another listener has this address (give it an address of its own"}, true},
	{"nobody's group", listener + "address = \"unix:DIR/s\"\nsocket_group = \"nobodys\"\n", nil, 78, []string{"DIR/postseal.toml:", "socket_group: ", "nobodys", "install the mail server whose group it is, name a group of `getent group`, or leave it empty"}, true},
	{"nobody's user", listener + "address = \"unix:DIR/s\"\nsocket_owner = \"nobodys\"\n", nil, 78, []string{"DIR/postseal.toml:", "socket_owner: ", "nobodys", "name a user of `getent passwd`"}, true},
	{"name server", "[dns]\nnameservers = [\"ns.example.net\"]\n", nil, 78, []string{"dns", "ns.example.net", "write ADDRESS or ADDRESS:PORT, such as 127.0.0.53"}, true},
	{"records file", "[dns]\nrecords_file = \"DIR/none\"\n", nil, 78, []string{"dns", "DIR/none", "no such file", "mend dns.records_file, or leave it empty"}, true},

	// Tables and keys.
	{"no key table", "", func(p place) { p.must(os.Remove(p.path("keytable"))) }, 78, []string{"DIR/keytable: cannot read the KeyTable: no such file", "write it, or mend sign.keytable"}, true},
	{"key table closed", "", func(p place) { p.must(os.Chown(p.path("keytable"), 0, 0)) }, 78, []string{"DIR/keytable: cannot read the KeyTable: permission denied", "chgrp postseal DIR/keytable && chmod 0640 DIR/keytable"}, true},
	{"half a key table", "", func(p place) { p.write("keytable", "a example.com:s:DIR/a.pem\nb exam") }, 78, []string{"DIR/keytable:2: ", "NAME DOMAIN:SELECTOR:KEY"}, true},
	{"half a signing table", "", func(p place) { p.write("signingtable", "*@example.com\n") }, 78, []string{"DIR/signingtable:1: ", "PATTERN NAME"}, true},
	{"data base for a table", "[sign]\nkeytable = \"dsn:mysql://x\"\n", nil, 78, []string{"dsn:mysql://x", "write the lines into a file and name it as file:PATH"}, true},
	{"strict, and no key file", "[sign]\nkeytable = \"DIR/keytable\"\nsigningtable = \"DIR/signingtable\"\n", func(p place) {
		p.write("keytable", p.in("a example.com:s:DIR/none.pem\n"))
		text, err := os.ReadFile(p.path("postseal.toml"))
		p.must(err)
		p.write("postseal.toml", "strict = true\n"+string(text))
	}, 78, []string{"strict = true and rows are out of service", "DIR/keytable:1: key file DIR/none.pem does not exist", "bring it back, or make one with postseal keygen, or mend the path"}, false},

	// The store.
	{"no kind of store", "[store]\nurl = \"mysql://x\"\n", nil, 78, []string{"store.url", "sqlite:/"}, true},
	{"no directory for the store", store, func(p place) { p.mkdir("id", true) }, 78, []string{"store sqlite:DIR/db/postseal.db: ", "there is no directory DIR/db: make it (install -d -o postseal -m 0750 DIR/db)"}, false},
	{"root's directory for the store", store, func(p place) { p.mkdir("id", true); p.mkdir("db", false) }, 78, []string{"DIR/db/postseal.db: permission denied", "user postseal may not: DIR/db is of owner root, group root, mode 0755; change that (chown, chmod)"}, false},
	{"a file for a directory", store, func(p place) { p.mkdir("id", true); p.write("db", "") }, 78, []string{"a file stands where a directory has to be"}, false},
	{"a directory for the store", store, func(p place) { p.mkdir("id", true); p.mkdir("db", true); p.mkdir("db/postseal.db", true) }, 78, []string{"not a regular file; name a file"}, false},
	{"no database", store, func(p place) {
		p.mkdir("id", true)
		p.mkdir("db", true)
		p.write("db/postseal.db", strings.Repeat("no database", 1000))
	}, 78, []string{"store sqlite:DIR/db/postseal.db: ", "the file is no SQLite database: restore its backup, name another in [store] url, or move it away"}, false},
	{"root's database", store, func(p place) {
		p.mkdir("id", true)
		p.mkdir("db", true)
		p.write("db/postseal.db", "")
		p.must(os.Chown(p.path("db/postseal.db"), 0, 0))
		p.mode("db/postseal.db", 0o640)
	}, 6, []string{"store sqlite:DIR/db/postseal.db: ", "chown -R postseal: DIR/db"}, false},
	{"a read-only place", store, func(p place) { p.mkdir("id", true); p.mount("db", "1m", syscall.MS_RDONLY) }, 78, []string{"DIR/db/postseal.db: read-only file system", "ReadWritePaths=DIR/db"}, false},
	{"a full disk", store, func(p place) { p.mkdir("id", true); p.mount("db", "4k", 0) }, 6, []string{"store sqlite:DIR/db/postseal.db: ", "its disk is full; nothing was changed; make room there and try again"}, false},
	{"a disk that is almost full", store, func(p place) { p.mkdir("id", true); p.mount("db", "24k", 0) }, 6, []string{"store sqlite:DIR/db/postseal.db: ", "its disk is full; nothing was changed; make room there and try again"}, false},
	{"no address of PostgreSQL", "[store]\nurl = \"postgres://postseal:a%secret@db/postseal\"\nidentity = \"DIR/identity\"\n", nil, 78, []string{"store", "percent-encode"}, true},
	{"no certificate of PostgreSQL", "[store]\nurl = \"postgres://postseal@db/postseal?sslmode=verify-full&sslrootcert=DIR/none.pem\"\nidentity = \"DIR/identity\"\n", nil, 78, []string{"store", "DIR/none.pem: no such file or directory"}, true},
	{"no PostgreSQL", "[store]\nurl = \"postgres://postseal@127.0.0.1:1/postseal\"\nidentity = \"DIR/identity\"\n", nil, 6, []string{"store postgres://127.0.0.1:1/postseal: ", "is the server up, and may this host reach it"}, false},

	// What opens its keys.
	{"no directory for the identity", store, func(p place) { p.mkdir("db", true) }, 78, []string{"cannot make the identity DIR/id/identity", "there is no directory DIR/id: make it (install -d -o postseal"}, false},
	{"root's directory for the identity", store, func(p place) { p.mkdir("db", true); p.mkdir("id", false) }, 78, []string{"cannot make the identity DIR/id/identity", "user postseal may not: DIR/id is of owner root"}, false},
	{"a full disk for the identity", store, func(p place) {
		p.mkdir("db", true)
		p.mount("id", "4k", 0)
		p.write("id/fill", strings.Repeat("x", 4096))
	}, 6, []string{"cannot make the identity DIR/id/identity", "its disk is full: make room there"}, false},
	{
		"an open identity", store, func(p place) {
			p.mkdir("db", true)
			p.mkdir("id", true)
			p.write("id/identity", "x")
			p.mode("id/identity", 0o644)
		}, 78,
		[]string{"DIR/id/identity: mode 0644", "chmod 0600 DIR/id/identity"},
		false,
	},
	{"another's identity", store, func(p place) {
		p.mkdir("db", true)
		p.mkdir("id", true)
		p.write("id/identity", "x")
		p.must(os.Chown(p.path("id/identity"), sandbox.AnyoneID, sandbox.AnyoneID))
	}, 78, []string{"open DIR/id/identity: permission denied", "user postseal may not: DIR/id/identity is of owner lab-user"}, false},
	{"no identity", store, func(p place) { p.mkdir("db", true); p.mkdir("id", true); p.write("id/identity", "x") }, 78, []string{"DIR/id/identity: not an age identity file", "bring it back from its backup"}, false},
	{"no credential", "[store]\nurl = \"sqlite:DIR/postseal.db\"\ncredential = \"identity\"\n", nil, 78, []string{"credential identity", "LoadCredential=identity:PATH"}, false},
	{"a command that fails", "[store]\nurl = \"sqlite:DIR/postseal.db\"\nidentity_command = [\"/bin/false\"]\n", nil, 78, []string{"identity command /bin/false: exit status 1", "try it by hand"}, false},

	// Listeners: another try may be better.
	{"no directory for the socket", listener + "address = \"unix:DIR/none/s\"\n", nil, 5, []string{"unix:DIR/none/s: ", "there is no directory DIR/none: make it"}, false},
	{"root's directory for the socket", listener + "address = \"unix:DIR/root/s\"\n", func(p place) { p.mkdir("root", false) }, 5, []string{"unix:DIR/root/s: ", "permission denied", "user postseal may not: DIR/root is of owner root"}, false},
	{"a read-only place for the socket", listener + "address = \"unix:DIR/ro/s\"\n", func(p place) { p.mount("ro", "1m", syscall.MS_RDONLY) }, 5, []string{"unix:DIR/ro/s: ", "read-only file system", "ReadWritePaths=DIR/ro"}, false},
	{"a file for the socket", listener + "address = \"unix:DIR/keytable\"\n", nil, 5, []string{"unix:DIR/keytable: a file that is no socket stands there; move it away"}, false},
	{"a socket that is alive", "", func(p place) { p.listen("milter.sock", true) }, 5, []string{"unix:DIR/milter.sock: another program answers on this socket; stop it first"}, false},
	{"root's socket, left behind", "", func(p place) { p.listen("milter.sock", false) }, 5, []string{"unix:DIR/milter.sock: the socket of another program stands there", "owner root", "rm DIR/milter.sock"}, false},
	{"a dead socket in root's directory", listener + "address = \"unix:DIR/root/s\"\n", func(p place) {
		p.mkdir("root", false)
		p.listen("root/s", false)
		p.mode("root/s", 0o666)
	}, 5, []string{"unix:DIR/root/s: the socket of a program that is gone stands there and cannot be removed; remove it as root: rm DIR/root/s"}, false},
	{"another's group", listener + "address = \"unix:DIR/s\"\nsocket_group = \"lab-user\"\n", nil, 5, []string{"unix:DIR/s: ", "operation not permitted", "usermod -aG GROUP postseal"}, false},
	{"a port in use", listener + "address = \"inet:8899@127.0.0.1\"\n", func(p place) { p.listenTCP("127.0.0.1:8899") }, 5, []string{"inet:8899@127.0.0.1: another program listens there already; stop it or choose another port", "sport = :8899"}, false},
	{"root's port", listener + "address = \"inet:90@127.0.0.1\"\n", nil, 5, []string{"inet:90@127.0.0.1: a port below 1024 is not for the service's user; choose another, such as 8891"}, false},
	{"no address of ours", listener + "address = \"inet:8899@203.0.113.9\"\n", nil, 5, []string{"inet:8899@203.0.113.9: this host does not have that address (yet)", "listen on 127.0.0.1"}, false},
	{"a name that systemd did not give", listener + "address = \"fd:milter\"\n", nil, 5, []string{"fd:milter: no socket of that name was handed over by systemd", "is the socket unit running"}, false},
}

func TestWhatKeepsItFromStarting(t *testing.T) {
	for _, s := range situations {
		t.Run(s.name, func(t *testing.T) {
			p := newPlace(t)
			path := p.config(s.config)
			if s.prepare != nil {
				s.prepare(p)
			}
			s.judge(p, "serve", path)
			if s.checked {
				s.judge(p, "check-config", path)
			}
		})
	}
}

// judge runs a command as the service's user.
func (s situation) judge(p place, command, path string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), await.Deadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, string(postseal), command, "--config", path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: sandbox.ServiceID, Gid: sandbox.ServiceID}}
	out, err := cmd.CombinedOutput()
	words := string(out)
	if code := cmd.ProcessState.ExitCode(); code != s.code {
		p.t.Errorf("%s: exit code %d (%v), want %d: %s", command, code, err, s.code, words)
	}
	for _, want := range s.says {
		if !strings.Contains(words, p.in(want)) {
			p.t.Errorf("%s does not say %q: %s", command, p.in(want), words)
		}
	}
	p.t.Logf("%s: %s", command, words)
}

// listen makes a socket of root's for nobody else, which is left behind unless it stays alive.
func (p place) listen(name string, alive bool) {
	p.t.Helper()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: p.path(name), Net: "unix"})
	p.must(err)
	if alive {
		p.mode(name, 0o666)
		p.t.Cleanup(func() { ln.Close() })
		return
	}
	p.mode(name, 0o700)
	ln.SetUnlinkOnClose(false)
	ln.Close()
}

func (p place) listenTCP(address string) {
	p.t.Helper()
	ln, err := net.Listen("tcp", address)
	p.must(err)
	p.t.Cleanup(func() { ln.Close() })
}
