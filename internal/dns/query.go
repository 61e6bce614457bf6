package dns

import (
	"context"
	"strings"

	wire "github.com/miekg/dns"
)

// Query asks the resolvers any question of one entry, one after the other until one knows, with neither static records nor cache. It returns
// what that one said, which may be that there is no such name, and who it was, HOST:PORT. The error is a *TemporaryError.
func (r *Resolver) Query(ctx context.Context, q *wire.Msg) (reply *wire.Msg, server string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.deadline, errDeadline)
	defer cancel()
	name := strings.TrimSuffix(q.Question[0].Name, ".")
	var tries []Try
	for range r.network.attempts {
		for _, server := range r.network.servers.order() {
			reply, over, err := r.network.query(ctx, server, q)
			if err == nil {
				r.network.servers.succeed(server)
				return reply, server, nil
			}
			tries = append(tries, Try{Server: server, Network: over, Name: name, Err: err})
			if ctx.Err() != nil {
				return nil, "", &TemporaryError{Name: name, Err: context.Cause(ctx), Tries: tries}
			}
			r.network.servers.fail(server, err)
		}
	}
	return nil, "", &TemporaryError{Name: name, Err: tries[len(tries)-1].Err, Tries: tries}
}

// query asks one server for something that it knows.
func (n *network) query(ctx context.Context, server string, q *wire.Msg) (reply *wire.Msg, over string, err error) {
	reply, over, err = n.exchange(ctx, server, q)
	switch {
	case err != nil:
		return nil, over, err
	case isFailure(reply.Rcode):
		return nil, over, rcodeError(reply.Rcode)
	case reply.Truncated:
		return nil, over, answerError("answer cut short over TCP")
	}
	return reply, over, nil
}

// Believes tells whether the AD bit of a server that Query named means anything.
func (r *Resolver) Believes(server string) bool { return r.network.trust.believes(server) }
