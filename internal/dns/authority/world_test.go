package authority

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/internal/dns"
)

// world is a DNS of its own on loopback: a resolver, and name servers that share one port at addresses of their own.
type world struct {
	port     int
	resolver string // HOST:PORT

	mu    sync.Mutex
	asked []string // "ADDRESS TYPE NAME", in order
}

// handler answers a question; it may write nothing.
type handler func(w wire.ResponseWriter, q *wire.Msg)

// newWorld serves handlers by address ("127.0.0.2"). The resolver answers from the records of delegations, in zone-file form.
func newWorld(t *testing.T, delegations []string, servers map[string]handler) *world {
	t.Helper()
	w := &world{}
	addresses := []string{}
	for address := range servers {
		addresses = append(addresses, address)
	}
	slices.Sort(addresses)
	packets, streams := listenAll(t, addresses)
	for i, address := range addresses {
		w.port = packets[i].LocalAddr().(*net.UDPAddr).Port
		w.serve(t, address, servers[address], packets[i], streams[i])
	}
	packets, streams = listenAll(t, []string{"127.0.0.1"})
	w.resolver = packets[0].LocalAddr().String()
	w.serve(t, "resolver", recursion(t, delegations...), packets[0], streams[0])
	return w
}

// listenAll opens one port, UDP and TCP, at all addresses.
func listenAll(t *testing.T, addresses []string) (packets []net.PacketConn, streams []net.Listener) {
	t.Helper()
	for range 100 {
		port, ok := "0", true
		packets, streams = nil, nil
		for _, address := range addresses {
			p, err := net.ListenPacket("udp4", net.JoinHostPort(address, port))
			if err != nil {
				ok = false
				break
			}
			packets = append(packets, p)
			_, port, _ = net.SplitHostPort(p.LocalAddr().String())
			s, err := net.Listen("tcp4", p.LocalAddr().String())
			if err != nil {
				ok = false
				break
			}
			streams = append(streams, s)
		}
		if ok {
			return packets, streams
		}
		for _, p := range packets {
			p.Close()
		}
		for _, s := range streams {
			s.Close()
		}
	}
	t.Fatal("no port that is free at all addresses")
	return nil, nil
}

func (w *world) serve(t *testing.T, who string, handle handler, packets net.PacketConn, stream net.Listener) {
	noting := wire.HandlerFunc(func(rw wire.ResponseWriter, q *wire.Msg) {
		w.mu.Lock()
		w.asked = append(w.asked, fmt.Sprintf("%s %s %s", who, wire.Type(q.Question[0].Qtype), q.Question[0].Name))
		w.mu.Unlock()
		handle(rw, q)
	})
	for _, server := range []*wire.Server{{PacketConn: packets, Handler: noting}, {Listener: stream, Handler: noting}} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go server.ActivateAndServe()
		<-started
		t.Cleanup(func() { server.Shutdown() })
	}
}

// questions returns what was asked, those to one server only if who is not empty.
func (w *world) questions(who string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, q := range w.asked {
		if strings.HasPrefix(q, who) {
			out = append(out, q)
		}
	}
	return out
}

// client asks in this world.
func (w *world) client(t *testing.T, c Config) *Client {
	t.Helper()
	c.Resolver, c.Port = w.stub(t), w.port
	c.Timeout = positiveOr(c.Timeout, 5*time.Second) // a busy machine's; servers that are silent ask for less
	c.PerHost = positiveOr(c.PerHost, 1000)
	return New(c)
}

func (w *world) stub(t *testing.T) *dns.Resolver {
	t.Helper()
	r, err := dns.New(dns.Config{Servers: []string{w.resolver}, CacheSize: -1})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func parse(t *testing.T, records []string) []wire.RR {
	t.Helper()
	var out []wire.RR
	for _, text := range records {
		rr, err := wire.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rr)
	}
	return out
}

// zoneOf answers with authority for one zone: from its records (zone-file form), with referrals for the NS records below its apex.
func zoneOf(t *testing.T, apex string, lines ...string) handler {
	t.Helper()
	rrs := parse(t, lines)
	soa := parse(t, []string{apex + " 600 IN SOA ns1.hoster.test. host.hoster.test. 7 3600 600 86400 300"})[0]
	return func(w wire.ResponseWriter, q *wire.Msg) {
		reply := new(wire.Msg).SetReply(q)
		reply.Authoritative = true
		question := q.Question[0]
		exists := question.Name == apex
		for _, rr := range rrs {
			h := rr.Header()
			switch {
			case h.Rrtype == wire.TypeNS && h.Name != apex && wire.IsSubDomain(h.Name, question.Name):
				reply.Authoritative = false
				reply.Ns = append(reply.Ns, rr)
				exists = true
			case h.Name == question.Name:
				exists = true
				if h.Rrtype == question.Qtype || h.Rrtype == wire.TypeCNAME {
					reply.Answer = append(reply.Answer, rr)
				}
			}
		}
		if question.Name == apex && question.Qtype == wire.TypeSOA {
			reply.Answer = append(reply.Answer, soa)
		}
		if len(reply.Answer) == 0 && reply.Ns == nil {
			reply.Ns = []wire.RR{soa}
			if !exists {
				reply.Rcode = wire.RcodeNameError
			}
		}
		if w.LocalAddr().Network() == "udp" {
			size := wire.MinMsgSize
			if o := q.IsEdns0(); o != nil {
				size = int(o.UDPSize())
			}
			reply.Truncate(size)
		}
		w.WriteMsg(reply)
	}
}

// recursion answers as a resolver does: with everything, without authority and referrals.
func recursion(t *testing.T, lines ...string) handler {
	t.Helper()
	rrs := parse(t, lines)
	soa := parse(t, []string{". 600 IN SOA ns1.hoster.test. host.hoster.test. 7 3600 600 86400 300"})
	return func(w wire.ResponseWriter, q *wire.Msg) {
		reply := new(wire.Msg).SetReply(q)
		reply.Rcode, reply.Ns = wire.RcodeNameError, soa
		for _, rr := range rrs {
			h := rr.Header()
			if wire.IsSubDomain(q.Question[0].Name, h.Name) {
				reply.Rcode = wire.RcodeSuccess
			}
			if h.Name == q.Question[0].Name && h.Rrtype == q.Question[0].Qtype {
				reply.Answer, reply.Ns = append(reply.Answer, rr), nil
			}
		}
		w.WriteMsg(reply)
	}
}

// rcode answers each question with that code.
func rcode(code int) handler {
	return func(w wire.ResponseWriter, q *wire.Msg) { w.WriteMsg(new(wire.Msg).SetRcode(q, code)) }
}

// silent answers nothing.
func silent(wire.ResponseWriter, *wire.Msg) {}
