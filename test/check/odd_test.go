package check

import (
	"net"
	"strings"

	"github.com/miekg/dns"
)

// startOdd serves zones, their files by name, as no proper server does: a CNAME beside other records, and UDP alone.
func startOdd(address string, zones map[string]string) error {
	records := map[string][]dns.RR{}
	starts := map[string]dns.RR{}
	for name, text := range zones {
		parser := dns.NewZoneParser(strings.NewReader(text), name+".", "")
		for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
			owner := strings.ToLower(rr.Header().Name)
			records[owner] = append(records[owner], rr)
			if rr.Header().Rrtype == dns.TypeSOA {
				starts[owner] = rr
			}
		}
		if err := parser.Err(); err != nil {
			return err
		}
	}
	return serve(address, func(w dns.ResponseWriter, q *dns.Msg) {
		reply := new(dns.Msg).SetReply(q)
		reply.Authoritative, reply.Rcode = true, dns.RcodeNameError
		name := strings.ToLower(q.Question[0].Name)
		for owner := range records {
			if dns.IsSubDomain(name, owner) {
				reply.Rcode = dns.RcodeSuccess
			}
		}
		for _, rr := range records[name] {
			if kind := rr.Header().Rrtype; kind == q.Question[0].Qtype || kind == dns.TypeCNAME {
				reply.Answer = append(reply.Answer, rr)
			}
		}
		for zone, soa := range starts {
			if len(reply.Answer) == 0 && dns.IsSubDomain(zone, name) {
				reply.Ns = []dns.RR{soa}
			}
		}
		_ = w.WriteMsg(reply)
	})
}

// startLiar asks another resolver, and has an address of its own for what does not exist.
func startLiar(address, resolver string) error {
	return serve(address, func(w dns.ResponseWriter, q *dns.Msg) {
		reply, err := dns.Exchange(q, resolver)
		if err != nil {
			return
		}
		if reply.Rcode == dns.RcodeNameError && q.Question[0].Qtype == dns.TypeA {
			reply.Rcode, reply.Ns = dns.RcodeSuccess, nil
			reply.Answer = []dns.RR{&dns.A{
				Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(192, 0, 2, 80),
			}}
		}
		_ = w.WriteMsg(reply)
	})
}

// serve answers over UDP until the process ends.
func serve(address string, handle dns.HandlerFunc) error {
	packets, err := net.ListenPacket("udp", address+":53")
	if err != nil {
		return err
	}
	go func() { _ = dns.ActivateAndServe(nil, packets, handle) }()
	return nil
}
