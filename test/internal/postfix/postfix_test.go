package postfix

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/postseal/postseal/test/internal/nameserver"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
	"github.com/postseal/postseal/test/internal/submit"
)

func TestMain(m *testing.M) { sandbox.Main(m) }

// Without a milter everything that enters must reach the next hop: what a story misses is then not Postfix's fault.
func TestMailReachesTheNextHop(t *testing.T) {
	dir := sandbox.Dir()
	if _, err := nameserver.Start(filepath.Join(dir, "dns"), sandbox.Resolver, sandbox.OuterIPv4); err != nil {
		t.Fatal(err)
	}
	next, err := sink.Listen("127.7.0.9:25")
	if err != nil {
		t.Fatal(err)
	}
	jail := filepath.Join(dir, "jailed/etc")
	if err := os.CopyFS(jail, os.DirFS("/etc/postfix")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{
		{Dir: filepath.Join(dir, "direct"), ConfigDir: "/etc/postfix", Listeners: []Listener{{Address: "127.7.0.1"}}},
		{Dir: filepath.Join(dir, "jailed"), ConfigDir: jail, Listeners: []Listener{{Address: "127.7.0.2"}}, Chroot: true},
	} {
		t.Run(filepath.Base(c.Dir), func(t *testing.T) {
			c.NextHop = "127.7.0.9"
			p, err := Start(c)
			if err != nil {
				t.Fatal(err)
			}
			token := filepath.Base(c.Dir)
			arrives := func(subject string, send func(msg []byte) error) {
				t.Helper()
				if err := send([]byte("From: alice@lab.test\r\nSubject: " + subject + "\r\n\r\nhello\r\n")); err != nil {
					t.Fatalf("%v\n%s", err, p.Log())
				}
				if _, err := next.Wait(subject, func(m *sink.Message) bool { return bytes.Contains(m.Data, []byte(subject)) }); err != nil {
					t.Fatalf("%v\n%s", err, p.Log())
				}
			}
			arrives(token+" sendmail", func(msg []byte) error {
				return p.Sendmail(0, "alice@lab.test", []string{"reader@in.test"}, bytes.ReplaceAll(msg, []byte("\r"), nil))
			})
			arrives(token+" submission", func(msg []byte) error {
				s, err := submit.Open(submit.Options{
					Address: c.Listeners[0].Address + ":587", Source: sandbox.ClientIPv4, User: Alice, Password: Password, Roots: p.Roots,
				})
				if err != nil {
					return err
				}
				if err := s.Send("alice@lab.test", []string{"reader@elsewhere.test"}, msg); err != nil {
					return err
				}
				return s.Quit()
			})
			if err := p.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}
