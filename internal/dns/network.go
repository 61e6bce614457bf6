package dns

import (
	"context"
	"time"

	wire "github.com/miekg/dns"
)

// network asks servers.
type network struct {
	servers  *servers
	trust    trust
	timeout  time.Duration // of an exchange
	attempts int           // rounds
}

// maxHops is how many CNAME records a chain may have. Delegated keys have one or two.
const maxHops = 8

// follow finds the TXT records of a name, at the end of its CNAME chain. The error is a *TemporaryError.
func (n *network) follow(ctx context.Context, name string) (finding, error) {
	var tries []Try
	end := link{name: name, ttl: maxPositive, secure: true}
	for {
		next, failed, err := n.ask(ctx, end)
		tries = append(tries, failed...)
		if err != nil {
			return finding{}, &TemporaryError{Name: name, Err: err, Tries: tries}
		}
		end = next
		if end.missing {
			e := &NotFoundError{Name: name, Target: end.name, Exists: end.exists, Secure: end.secure}
			return finding{missing: e, ttl: end.ttl}, nil
		}
		if end.txt != nil {
			return finding{answer: Answer{TXT: end.txt, Secure: end.secure, Name: end.name, Server: end.server}, ttl: end.ttl}, nil
		}
	}
}

// ask asks one server after the other for the name where a chain goes on. The error is that of the last one, or why ctx ended.
func (n *network) ask(ctx context.Context, from link) (next link, failed []Try, err error) {
	for range n.attempts {
		for _, server := range n.servers.order() {
			next, over, err := n.try(ctx, server, from)
			if err == nil {
				n.servers.succeed(server)
				return next, failed, nil
			}
			failed = append(failed, Try{Server: server, Network: over, Name: from.name, Err: err})
			if ctx.Err() != nil {
				return link{}, failed, context.Cause(ctx)
			}
			n.servers.fail(server, err)
		}
	}
	return link{}, failed, failed[len(failed)-1].Err
}

// try asks one server where a chain leads, and says over which network it was asked last.
func (n *network) try(ctx context.Context, server string, from link) (next link, over string, err error) {
	reply, over, err := n.exchange(ctx, server, question(from.name))
	if err != nil {
		return link{}, over, err
	}
	next, err = from.read(reply)
	next.server = server
	next.secure = next.secure && n.trust.believes(server)
	return next, over, err
}

// exchange asks one server a question, over TCP if the answer is too long for UDP. A server from before EDNS is asked once more without
// (RFC 6891 section 7).
func (n *network) exchange(ctx context.Context, server string, q *wire.Msg) (reply *wire.Msg, over string, err error) {
	reply, err = Exchange(ctx, udp, server, q, n.timeout)
	if err == nil && (reply.Rcode == wire.RcodeFormatError || reply.Rcode == wire.RcodeNotImplemented) && q.IsEdns0() != nil {
		q = anew(q)
		q.Extra = nil
		reply, err = Exchange(ctx, udp, server, q, n.timeout)
	}
	if err != nil || !reply.Truncated {
		return reply, udp, err
	}
	reply, err = Exchange(ctx, tcp, server, anew(q), n.timeout)
	return reply, tcp, err
}

// anew is the same question with an ID of its own.
func anew(q *wire.Msg) *wire.Msg {
	again := q.Copy()
	again.Id = wire.Id()
	return again
}
