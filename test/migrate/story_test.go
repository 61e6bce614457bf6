package migrate

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/child"
	"github.com/postseal/postseal/test/internal/judge"
	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
	"github.com/postseal/postseal/test/internal/submit"
)

const (
	sinkAddress = "127.7.0.9"

	oldMilter = "inet:127.0.0.1:8891"
	newMilter = "inet:127.0.0.1:8892"
)

// TestMigration moves a mail server: OpenDKIM signs for two domains by refile tables behind a real Postfix; its
// configuration is imported, the milter in main.cf is another, Postfix reads it, and OpenDKIM is gone.
func TestMigration(t *testing.T) {
	dir := newDir(t)
	in := func(text string) string { return strings.ReplaceAll(text, "DIR", dir) } // not for keys, whose base64 may have it, too
	write(t, dir, map[string]string{
		"opendkim.conf": in("Syslog yes\nUMask 007\nRequireSafeKeys no\nPidFile DIR/pid\nSocket inet:8891@localhost\nMode sv\nCanonicalization relaxed/simple\n" +
			"OversignHeaders From\nInternalHosts 127.0.0.0/8\nKeyTable file:DIR/KeyTable\nSigningTable refile:DIR/SigningTable\n"),
		"KeyTable":     in("a.test a.test:sa:DIR/keys/a.private\nb.test b.test:sb:DIR/keys/b.private\n"),
		"SigningTable": "*@a.test a.test\n*@b.test b.test\n",
		// of user opendkim, as opendkim-genkey leaves them
		"keys/a.private": privatePEM("a"), "keys/b.private": privatePEM("b"),
	})
	old, err := child.Start(exec.Command("opendkim", "-f", "-x", filepath.Join(dir, "opendkim.conf")), filepath.Join(dir, "opendkim.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer old.Kill()
	if err := old.Ready("127.0.0.1:8891"); err != nil {
		t.Fatal(err)
	}
	mail := newServer(t, dir)
	before := mail.exchange(t, "before")

	command(t, string(postseal), "import", "opendkim", filepath.Join(dir, "opendkim.conf"), "--output", filepath.Join(dir, "imported"))
	config := filepath.Join(dir, "imported/postseal.toml")
	replaceIn(t, config, `address = "inet:8891@127.0.0.1"`, `address = "inet:8892@127.0.0.1"`) // beside OpenDKIM, for the change
	command(t, string(postseal), "check-config", "--config", config)
	d, err := postseal.Serve(config, filepath.Join(dir, "postseal.log"), sandbox.ServiceID, "127.0.0.1:8892")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Kill()
	replaceIn(t, "/etc/postfix/main.cf", oldMilter, newMilter)
	replaceIn(t, "/etc/postfix/master.cf", oldMilter, newMilter)
	command(t, "postfix", "-c", "/etc/postfix", "reload")
	// An smtpd that was waiting for a client may serve one more with the old configuration: OpenDKIM stays till then.
	n := 0
	if err := await.That("Postfix to ask postseal", func() bool {
		n++
		mail.send(t, fmt.Sprint("meanwhile", n), "ada@a.test")
		return strings.Contains(string(d.Log()), "decision=signed")
	}); err != nil {
		t.Fatal(err)
	}
	old.Kill()
	after := mail.exchange(t, "after")

	for _, from := range slices.Sorted(maps.Keys(before)) {
		if len(before[from]) != 1 || !slices.Equal(before[from], after[from]) {
			t.Errorf("%s: OpenDKIM %q, postseal %q", from, before[from], after[from])
		}
	}
	if t.Failed() {
		t.Logf("postseal:\n%s\nPostfix:\n%s", d.Log(), mail.Log())
	}
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

// replaceIn edits a file as an administrator does.
func replaceIn(t *testing.T, path, old, with string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %s:\n%s", path, old, text)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), old, with)), info.Mode()); err != nil {
		t.Fatal(err)
	}
}

// newDir is a directory that the service user may enter, with a short name: sockets are made in it.
func newDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(sandbox.Dir(), "m")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// server is the Postfix of the story. Its mail goes to nextHop.
type server struct{ *postfix.Postfix }

func newServer(t *testing.T, dir string) *server {
	t.Helper()
	mta, err := postfix.Start(postfix.Config{
		Dir: filepath.Join(dir, "postfix"), ConfigDir: "/etc/postfix", NextHop: sinkAddress, Milter: oldMilter,
		Listeners: []postfix.Listener{{Address: "127.7.0.1"}},
		Extra:     []string{"smtpd_relay_restrictions = permit_mynetworks, reject"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := mta.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &server{mta}
}

// exchange sends a message of each domain, a sub-domain and a stranger's domain, and gives the signatures on what is
// delivered, which dkimpy verifies.
func (s *server) exchange(t *testing.T, when string) map[string][]string {
	t.Helper()
	signatures := map[string][]string{}
	for _, from := range []string{"ada@a.test", "bob@b.test"} {
		delivered := s.send(t, when, from)
		for _, field := range fieldsOf(delivered, "dkim-signature") {
			signatures[from] = append(signatures[from], signatureLine(field))
		}
		verdicts, err := judge.DKIMPy(delivered)
		if err != nil || len(verdicts) != 1 || !verdicts[0].Pass {
			t.Errorf("%s, from %s: dkimpy says %v, %v of\n%s", when, from, verdicts, err, delivered)
		}
	}
	for _, from := range []string{"ada@sub.a.test", "eve@nowhere.test"} {
		if delivered := s.send(t, when, from); len(fieldsOf(delivered, "dkim-signature")) > 0 {
			t.Errorf("%s: mail from %s is signed:\n%s", when, from, delivered)
		}
	}
	return signatures
}

// send hands a message to Postfix and waits for it behind it.
func (s *server) send(t *testing.T, when, from string) []byte {
	t.Helper()
	session, err := submit.Open(submit.Options{Address: "127.7.0.1:25"})
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("<%s.%s.%s>", filepath.Base(filepath.Dir(s.Dir)), when, from)
	msg := "From: " + from + "\r\nTo: list@in.test\r\nSubject: the move\r\nDate: Sat, 21 Nov 2026 21:00:00 +0000\r\nMessage-ID: " + id + "\r\n\r\nThe same text,  twice. \r\n"
	if err := session.Send(from, []string{"list@in.test"}, []byte(msg)); err != nil {
		t.Fatalf("%v\n%s", err, s.Log())
	}
	if err := session.Quit(); err != nil {
		t.Error(err)
	}
	m, err := nextHop.Wait(id, func(m *sink.Message) bool { return strings.Contains(string(m.Data), id) })
	if err != nil {
		t.Fatalf("%v\n%s", err, s.Log())
	}
	return m.Data
}

// fieldsOf gives the values of the fields of a name, in lower case.
func fieldsOf(message []byte, name string) (values []string) {
	header, _, _ := strings.Cut(string(message), "\r\n\r\n")
	for _, field := range strings.Split(unfold.Replace(header), "\r\n") {
		if n, value, _ := strings.Cut(field, ":"); strings.EqualFold(n, name) {
			values = append(values, value)
		}
	}
	return values
}

var unfold = strings.NewReplacer("\r\n\t", "\t", "\r\n ", " ")
