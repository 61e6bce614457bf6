// Package dnstest is a small authoritative DNS server for the demo and for
// tests: TXT records in memory, answered over UDP and TCP on a loopback
// address of its own.
package dnstest

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"

	"github.com/miekg/dns"
)

// Server answers TXT questions for the names it was given, NXDOMAIN for all
// others.
type Server struct {
	// Addr is where it listens, HOST:PORT, the same for UDP and TCP.
	Addr string

	mu      sync.Mutex
	records map[string][]string // canonical name to the texts of its TXT records
	servers []*dns.Server
}

// Listen starts a server on an unused loopback port.
func Listen() (*Server, error) {
	packets, stream, err := listen()
	if err != nil {
		return nil, fmt.Errorf("dnstest: %w", err)
	}
	s := &Server{Addr: packets.LocalAddr().String(), records: map[string][]string{}}
	s.servers = []*dns.Server{
		{PacketConn: packets, Handler: dns.HandlerFunc(s.answer)},
		{Listener: stream, Handler: dns.HandlerFunc(s.answer)},
	}
	for _, server := range s.servers {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go server.ActivateAndServe()
		<-started
	}
	return s, nil
}

// listen opens one port for UDP and TCP. One that is free for UDP may be taken for TCP: then another is tried.
func listen() (net.PacketConn, net.Listener, error) {
	for {
		packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			return nil, nil, err
		}
		stream, err := net.Listen("tcp4", packets.LocalAddr().String())
		if err == nil {
			return packets, stream, nil
		}
		packets.Close()
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, nil, err
		}
	}
}

// SetTXT replaces the TXT records of a name; each text becomes one record of
// as many 255-octet strings as it needs.
func (s *Server) SetTXT(name string, texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[dns.CanonicalName(name)] = texts
}

// Close stops the server.
func (s *Server) Close() {
	for _, server := range s.servers {
		server.Shutdown()
	}
}

func (s *Server) answer(w dns.ResponseWriter, question *dns.Msg) {
	reply := new(dns.Msg).SetReply(question)
	reply.Authoritative = true
	if len(question.Question) != 1 {
		reply.Rcode = dns.RcodeFormatError
		w.WriteMsg(reply)
		return
	}
	q := question.Question[0]
	s.mu.Lock()
	texts, found := s.records[dns.CanonicalName(q.Name)]
	s.mu.Unlock()
	if !found {
		reply.Rcode = dns.RcodeNameError
	}
	if q.Qtype == dns.TypeTXT {
		for _, text := range texts {
			reply.Answer = append(reply.Answer, &dns.TXT{
				Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 5},
				Txt: split(text),
			})
		}
	}
	if w.LocalAddr().Network() == "udp" {
		reply.Truncate(udpSize(question))
	}
	w.WriteMsg(reply)
}

// udpSize is what the client says it can take (RFC 6891), else RFC 1035's 512.
func udpSize(question *dns.Msg) int {
	if opt := question.IsEdns0(); opt != nil {
		return int(opt.UDPSize())
	}
	return dns.MinMsgSize
}

// split cuts a text into character-strings of at most 255 octets (RFC 1035
// 3.3), escaping what the library reads as an escape.
func split(text string) []string {
	var parts []string
	for len(text) > 255 {
		parts, text = append(parts, text[:255]), text[255:]
	}
	parts = append(parts, text)
	for i, p := range parts {
		parts[i] = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p)
	}
	return parts
}

// LookupTXT asks the server at addr for the TXT records of a name, over UDP
// and, when the answer is cut short, over TCP. It has the shape that
// go-msgauth's verifier wants.
func LookupTXT(addr, name string) ([]string, error) {
	question := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeTXT)
	question.SetEdns0(1232, false)
	reply, _, err := new(dns.Client).Exchange(question, addr)
	if err == nil && reply.Truncated {
		reply, _, err = (&dns.Client{Net: "tcp"}).Exchange(question, addr)
	}
	if err != nil {
		return nil, err
	}
	if reply.Rcode != dns.RcodeSuccess {
		return nil, &net.DNSError{Err: dns.RcodeToString[reply.Rcode], Name: name, Server: addr, IsNotFound: reply.Rcode == dns.RcodeNameError}
	}
	var texts []string
	for _, rr := range reply.Answer {
		if txt, ok := rr.(*dns.TXT); ok {
			texts = append(texts, unescape.Replace(strings.Join(txt.Txt, "")))
		}
	}
	return texts, nil
}

var unescape = strings.NewReplacer(`\\`, `\`, `\"`, `"`)
