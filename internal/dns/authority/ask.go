package authority

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/internal/dns"
)

// udpSize is what we say that we can take over UDP (DNS flag day 2020).
const udpSize = 1232

const (
	udp = "udp"
	tcp = "tcp"
)

// server is one address of a name server.
type server struct {
	name    string // without final dot
	address string // HOST:PORT
}

// all asks all servers at the same time. The answers are in the order of the servers. A referral to a zone below and not above name is the
// second result; it is not among the answers.
func (c *Client) all(ctx context.Context, z *zone, name string, t Type) (answers []Answer, below *delegation) {
	replies := make([]reply, len(z.servers))
	var waiting sync.WaitGroup
	for i, s := range z.servers {
		waiting.Go(func() { replies[i] = c.ask(ctx, s, name, t) })
	}
	waiting.Wait()
	for _, r := range replies {
		if leadsDown(r.referral, z, plain(name)) {
			if below == nil {
				below = r.referral
			}
			continue
		}
		answers = append(answers, r.Answer)
	}
	return answers, below
}

// reply is an answer, or a hint where the answer is.
type reply struct {
	Answer
	referral *delegation
}

// delegation is the NS records of a zone that others serve.
type delegation struct {
	zone    string
	servers []string
}

// leadsDown tells whether a referral goes from a zone towards a name: neither up nor sideways.
func leadsDown(d *delegation, z *zone, name string) bool {
	return d != nil && isBelow(name, d.zone) && isBelow(d.zone, z.name) && d.zone != z.name
}

// ask asks one server over UDP, and over TCP if the answer is too long or none comes.
func (c *Client) ask(ctx context.Context, s server, name string, t Type) reply {
	a := Answer{Server: s.name, Address: s.address}
	edns := true
	for attempt := 0; ; attempt++ {
		a.Network = udp
		if attempt == udpAttempts {
			a.Network = tcp
		}
		m, err := c.exchange(ctx, a.Network, s.address, question(name, t, edns))
		switch {
		case err != nil:
			a.Status, a.Detail = unanswered(err), err.Error()
			if a.Status != TimedOut || a.Network == tcp || ctx.Err() != nil {
				return reply{Answer: a}
			}
			continue
		case m.Truncated && a.Network == udp:
			attempt = udpAttempts - 1
			continue
		case m.Rcode == wire.RcodeFormatError && edns: // a server from before EDNS (RFC 6891 section 7)
			edns = false
			attempt--
			continue
		}
		return read(a, m, name, t)
	}
}

// AskTCP asks the servers that gave these answers again, over TCP alone, and returns those that do not answer: the size of keys needs TCP.
func (c *Client) AskTCP(ctx context.Context, hop Hop) (silent []Answer) {
	ctx, cancel := c.within(ctx)
	defer cancel()
	for _, a := range hop.Answers {
		if !a.Status.Answered() || a.Network == tcp {
			continue
		}
		if _, err := c.exchange(ctx, tcp, a.Address, question(hop.Name, TXT, true)); err != nil {
			a.Network, a.Status, a.Detail = tcp, unanswered(err), err.Error()
			silent = append(silent, a)
		}
	}
	return silent
}

func (c *Client) exchange(ctx context.Context, network, address string, q *wire.Msg) (*wire.Msg, error) {
	if err := c.pace.wait(ctx, address); err != nil {
		return nil, err
	}
	return dns.Exchange(ctx, network, address, q, c.timeout)
}

// question wants no recursion: the server itself is to know.
func question(name string, t Type, edns bool) *wire.Msg {
	q := new(wire.Msg).SetQuestion(wire.Fqdn(name), uint16(t))
	q.RecursionDesired = false
	if edns {
		q.SetEdns0(udpSize, false)
	}
	return q
}

// unanswered says why a server gave no answer.
func unanswered(err error) Status {
	var timeout interface{ Timeout() bool }
	var op *net.OpError
	switch {
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
		return NoRoute
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled),
		errors.As(err, &timeout) && timeout.Timeout(),
		errors.As(err, &op), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ECONNRESET):
		return TimedOut
	}
	return Malformed
}

// read says what a server's message means for the name (RFC 2308 section 2, RFC 8499 "lame").
func read(a Answer, m *wire.Msg, name string, t Type) reply {
	a.Rcode, a.Size, a.SOA = wire.RcodeToString[m.Rcode], m.Len(), startOf(m)
	a.Records = records(m.Answer, name, t)
	switch {
	case m.Rcode == wire.RcodeRefused:
		a.Status = Refused
	case m.Rcode != wire.RcodeSuccess && m.Rcode != wire.RcodeNameError:
		a.Status = Failed
	case m.Truncated:
		a.Status, a.Detail = Malformed, "answer cut short over TCP"
	case !m.Authoritative:
		a.Status, a.Detail = Lame, "not authoritative"
		return reply{a, referral(m)}
	case len(a.Records) > 0: // with NXDOMAIN this is about the end of the chain (RFC 6604 section 3)
		a.Status = Found
	case m.Rcode == wire.RcodeNameError:
		a.Status = NXDomain
	default:
		a.Status = NoData
	}
	if a.SOA != nil && (a.Status == NoData || a.Status == NXDomain) {
		a.NegativeTTL = min(a.SOA.TTL, a.SOA.Minimum)
	}
	return reply{Answer: a}
}

// referral reads the NS records of a zone that the server does not serve itself.
func referral(m *wire.Msg) *delegation {
	if len(m.Answer) > 0 || m.Rcode != wire.RcodeSuccess {
		return nil
	}
	var d *delegation
	for _, rr := range m.Ns {
		ns, ok := rr.(*wire.NS)
		if !ok {
			continue
		}
		if d == nil {
			d = &delegation{zone: plain(ns.Hdr.Name)}
		}
		if plain(ns.Hdr.Name) == d.zone && len(d.servers) < maxNames {
			d.servers = append(d.servers, plain(ns.Ns))
		}
	}
	return d
}
