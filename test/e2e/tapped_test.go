package e2e

import (
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/submit"
	"github.com/postseal/postseal/test/internal/tap"
)

// tapped begins a story in which direct and lenient reach the daemon through a tap.
func tapped(t *testing.T, c setup) (*story, *tap.Tap) {
	t.Helper()
	c.inet = "127.7.0.1:8892"
	wire, err := tap.Listen(inetMilter, c.inet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { wire.Close() })
	return begin(t, c), wire
}

// hold sends m over session and returns when Postfix has come to the packet with command, which the daemon does not see before
// release. The server's reply comes later.
func (s *story) hold(wire *tap.Tap, command byte, session *submit.Session, m mail) (reply <-chan error, release func()) {
	s.Helper()
	held, release := wire.Hold(command)
	s.Cleanup(release)
	sent := make(chan error, 1)
	go func() { sent <- session.Send(m.from, []string{"reader@in.test"}, m.data) }()
	s.Must(await.Closed("Postfix shows the milter a message", held))
	return sent, release
}
