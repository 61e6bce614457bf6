package authority

import (
	"testing"

	wire "github.com/miekg/dns"
)

// FuzzRead reads any message as the answer of a server: a status that fits what it has, records of the name alone, and no referral that
// leads up.
func FuzzRead(f *testing.F) {
	seed := func(change func(*wire.Msg)) {
		m := new(wire.Msg).SetReply(question(key, TXT, true))
		m.Authoritative = true
		change(m)
		packet, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet)
	}
	rr := func(text string) wire.RR {
		rr, err := wire.NewRR(text)
		if err != nil {
			f.Fatal(err)
		}
		return rr
	}
	seed(func(m *wire.Msg) { m.Answer = []wire.RR{rr(key + `. 60 IN TXT "v=DKIM1\;" "\255"`)} })
	seed(func(m *wire.Msg) {
		m.Answer = []wire.RR{rr(key + ". 60 IN CNAME a.test."), rr(`a.test. 60 IN TXT "x"`)}
	})
	seed(func(m *wire.Msg) {
		m.Rcode, m.Ns = wire.RcodeNameError, []wire.RR{rr("test. 60 IN SOA a. b. 1 2 3 4 4294967295")}
	})
	seed(func(m *wire.Msg) {
		m.Authoritative, m.Ns = false, []wire.RR{rr("example.test. 60 IN NS a.test."), rr(". 60 IN NS .")}
	})
	seed(func(m *wire.Msg) { m.Rcode = wire.RcodeRefused })
	f.Fuzz(func(t *testing.T, packet []byte) {
		m := new(wire.Msg)
		if m.Unpack(packet) != nil {
			return
		}
		r := read(Answer{}, m, key, TXT)
		if (r.Status == Found) != (r.Status.Answered() && len(r.Records) > 0) || r.Status.Answered() && !m.Authoritative || r.Status == "" {
			t.Fatalf("%s with %d records: %v", r.Status, len(r.Records), m)
		}
		for _, record := range r.Records {
			if record.Type != TXT && record.Type != CNAME || record.TTL < 0 {
				t.Fatalf("%+v", record)
			}
		}
		if r.NegativeTTL < 0 || r.referral != nil && (r.Status != Lame || len(r.referral.servers) > maxNames) {
			t.Fatalf("%+v", r)
		}
		if top := (&zone{name: "example.test"}); leadsDown(r.referral, top, key) && !isBelow(key, r.referral.zone) {
			t.Fatalf("a referral to %q", r.referral.zone)
		}
	})
}
