package dns

import (
	"context"
	"errors"
	"testing"
	"time"

	wire "github.com/miekg/dns"
)

func TestQuery(t *testing.T) {
	well := newServer(t, zone(t, "a.example. 60 IN CNAME b.example."))
	failing := newServer(t, rcode(wire.RcodeServerFailure))
	ask := func(r *Resolver, name string) (*wire.Msg, string, error) {
		return r.Query(context.Background(), new(wire.Msg).SetQuestion(name, wire.TypeCNAME).SetEdns0(udpSize, false))
	}
	t.Run("a server that fails is passed over", func(t *testing.T) {
		reply, server, err := ask(resolver(t, Config{}, failing, well), "a.example.")
		if err != nil || server != well.addr || len(reply.Answer) != 1 {
			t.Errorf("%v from %s: %v", reply, server, err)
		}
	})
	t.Run("absence is an answer", func(t *testing.T) {
		reply, _, err := ask(resolver(t, Config{}, well), "none.example.")
		if err != nil || reply.Rcode != wire.RcodeNameError {
			t.Errorf("%v: %v", reply, err)
		}
	})
	t.Run("nobody knows", func(t *testing.T) {
		_, _, err := ask(resolver(t, Config{Attempts: 2, Timeout: time.Minute}, failing), "a.example.")
		var temporary *TemporaryError
		if !errors.As(err, &temporary) || len(temporary.Tries) != 2 || temporary.Err != RcodeError("SERVFAIL") {
			t.Errorf("%v", err)
		}
	})
}
