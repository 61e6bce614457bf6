package check

import (
	"net"

	"github.com/miekg/dns"
)

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
