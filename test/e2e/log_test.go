package e2e

import (
	"bytes"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
)

func TestTextLogSaysTheSameInLogfmt(t *testing.T) {
	s := begin(t, setup{log: "text"})
	session := s.connect("", directAddress)
	m := compose("alice@lab.test")
	s.Must(session.Send(m.from, []string{"reader@in.test"}, m.data))
	s.Must(session.Quit())
	d := s.delivered(m)
	want := []byte("msg=message queue_id=" + d.queueID + " decision=signed reason=signing-table from=lab.test user=\"\" client=127.0.0.1 keys=lab.test/r1 ")
	s.Must(await.That(string(want), func() bool { return bytes.Contains(s.daemon.Log(), want) }))
}
