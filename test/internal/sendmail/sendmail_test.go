package sendmail

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/postseal/postseal/test/internal/nameserver"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
	"github.com/postseal/postseal/test/internal/submit"
)

func TestMain(m *testing.M) { sandbox.Main(m) }

// Without a milter everything that enters must reach the next hop: what a story misses is then not Sendmail's fault.
func TestMailReachesTheNextHop(t *testing.T) {
	dir := sandbox.Dir()
	if _, err := nameserver.Start(filepath.Join(dir, "dns"), sandbox.Resolver, sandbox.OuterIPv4); err != nil {
		t.Fatal(err)
	}
	next, err := sink.Listen("127.7.0.9:25")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Start(Config{
		Root:       filepath.Join(dir, "sendmail"),
		Daemons:    []Daemon{{Name: "MTA", MSA: "MSA", Address: "127.7.0.1"}},
		Submission: "127.7.0.1",
		NextHop:    "127.7.0.9",
	})
	if err != nil {
		t.Fatal(err)
	}
	arrives := func(subject string, send func(msg []byte) error) {
		t.Helper()
		if err := send([]byte("From: alice@lab.test\r\nSubject: " + subject + "\r\n\r\nhello\r\n")); err != nil {
			t.Fatalf("%v\n%s", err, s.MailLog())
		}
		if _, err := next.Wait(subject, func(m *sink.Message) bool { return bytes.Contains(m.Data, []byte(subject)) }); err != nil {
			t.Fatalf("%v\n%s", err, s.MailLog())
		}
	}
	arrives("by sendmail", func(msg []byte) error {
		return s.Submit(sandbox.AnyoneID, "alice@lab.test", []string{"reader@in.test"}, bytes.ReplaceAll(msg, []byte("\r"), nil))
	})
	arrives("by submission", func(msg []byte) error {
		session, err := submit.Open(submit.Options{
			Address: "127.7.0.1:587", Source: sandbox.ClientIPv4, User: Alice, Password: Password, Roots: s.Roots,
		})
		if err != nil {
			return err
		}
		if err := session.Send("alice@lab.test", []string{"reader@elsewhere.test"}, msg); err != nil {
			return err
		}
		return session.Quit()
	})
	if err := s.Emptied(); err != nil {
		t.Error(err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}
