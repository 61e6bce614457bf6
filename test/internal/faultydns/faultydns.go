// Package faultydns is a name server that fails in the way which a label of the question says. It serves both as the
// authority of a zone and as somebody's resolver.
package faultydns

import (
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// Labels that tell how a question is answered. Without one of them, whatever the name, the answer is the TXT record.
const (
	ServFail  = "servfail"
	Refused   = "refused"
	Silent    = "silent"    // never an answer
	Truncated = "truncated" // TC over UDP, and TCP hangs up
	Garbage   = "garbage"   // an answer of which only the first twelve bytes are right
	Missing   = "missing"   // NXDOMAIN
)

// Server is a running server.
type Server struct {
	zone, text string
	mu         sync.Mutex
	asked      map[string]int // questions for TXT, by name
}

// Start serves zone on address, port 53, over UDP and TCP until the process ends; text is its TXT record.
func Start(address, zone, text string) (*Server, error) {
	s := &Server{zone: dns.Fqdn(zone), text: text, asked: map[string]int{}}
	for _, network := range []string{"udp", "tcp"} {
		up := make(chan struct{})
		failed := make(chan error, 1)
		server := &dns.Server{Addr: address + ":53", Net: network, Handler: s, NotifyStartedFunc: func() { close(up) }}
		go func() { failed <- server.ListenAndServe() }()
		select {
		case <-up:
		case err := <-failed:
			return nil, err
		}
	}
	return s, nil
}

// Asked returns how often TXT records were asked for, by name without the last dot.
func (s *Server) Asked() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := map[string]int{}
	for name, n := range s.asked {
		asked[name] = n
	}
	return asked
}

// ServeDNS answers one question.
func (s *Server) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	question := q.Question[0]
	name := strings.ToLower(question.Name)
	if question.Qtype == dns.TypeTXT {
		s.mu.Lock()
		s.asked[strings.TrimSuffix(name, ".")]++
		s.mu.Unlock()
	}
	r := new(dns.Msg).SetReply(q)
	r.Authoritative, r.RecursionAvailable = true, true
	overTCP := w.RemoteAddr().Network() == "tcp"
	for _, label := range dns.SplitDomainName(name) {
		switch label {
		case Silent:
			return
		case Garbage:
			_, _ = w.Write(append([]byte{byte(q.Id >> 8), byte(q.Id), 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0}, strings.Repeat("\xff", 40)...))
			return
		case Truncated:
			if overTCP {
				w.Close()
				return
			}
			r.Truncated = true
		case ServFail:
			r.Rcode = dns.RcodeServerFailure
		case Refused:
			r.Rcode = dns.RcodeRefused
		case Missing:
			r.Rcode = dns.RcodeNameError
		default:
			continue
		}
		s.absent(r)
		_ = w.WriteMsg(r)
		return
	}
	if question.Qtype == dns.TypeTXT {
		r.Answer = []dns.RR{&dns.TXT{Hdr: header(question.Name, dns.TypeTXT), Txt: split(s.text)}}
	} else {
		s.absent(r)
	}
	if !overTCP {
		r.Truncate(size(q))
	}
	_ = w.WriteMsg(r)
}

// absent adds what makes an answer without records a proper one, unless it is a failure.
func (s *Server) absent(r *dns.Msg) {
	if r.Truncated || r.Rcode == dns.RcodeServerFailure || r.Rcode == dns.RcodeRefused {
		return
	}
	r.Ns = []dns.RR{&dns.SOA{Hdr: header(s.zone, dns.TypeSOA), Ns: "ns." + s.zone, Mbox: "hostmaster." + s.zone, Serial: 1, Minttl: 1}}
}

func header(name string, rrtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: 1}
}

// size is what the asker can take over UDP.
func size(q *dns.Msg) int {
	if opt := q.IsEdns0(); opt != nil {
		return int(opt.UDPSize())
	}
	return dns.MinMsgSize
}

// split cuts text into strings of at most 255 bytes.
func split(text string) (parts []string) {
	for len(text) > 255 {
		parts, text = append(parts, text[:255]), text[255:]
	}
	return append(parts, text)
}
