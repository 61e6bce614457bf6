package life

import (
	"strings"
	"sync"
	"testing"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/test/internal/await"
)

// A resolver that tells of a record which no authoritative server has does not open the gate.
func TestLyingResolver(t *testing.T) {
	t.Parallel()
	liar := startLiar(t, "127.9.4.53")
	s := begin(t, setup{resolver: liar.address})
	selector := s.add(s.zone)
	liar.claim(s.record(selector, s.zone), s.key(s.zone).Record)

	s.run("domain", "verify", s.zone).exits(finding).says("D101", "not live")
	s.Must(await.Patiently("two looks of the daemon's", func() bool { return s.keeperLooked() >= 3 }))
	s.is(s.zone, "Pending validation")
	s.isLeftAlone(s.send("ada@"+s.zone), "key-not-active")
	if liar.told() > 0 {
		s.Errorf("the resolver was asked %d times for a record that no authoritative server has", liar.told())
	}
	s.within("and is no obstacle", func() {
		s.confirmed(s.zone)
		s.signedSoon(s.zone, s.zone+"/"+selector)
		if liar.told() == 0 {
			s.Error("the resolver was not asked after the authoritative servers had the record")
		}
	})
}

// keeperLooked is how often DNS was looked at.
func (s *story) keeperLooked() int {
	s.Helper()
	r := s.show(s.zone)
	return len(r.Runs[r.Keys[0].ID])
}

// liar is a resolver that asks the sandbox's, but for one name.
type liar struct {
	address string

	mu         sync.Mutex
	name, text string
	lies       int
}

func startLiar(t *testing.T, address string) *liar {
	t.Helper()
	l := &liar{address: address + ":53"}
	if err := serveDNS(address, l); err != nil {
		t.Fatal(err)
	}
	return l
}

// claim makes it tell of a TXT record.
func (l *liar) claim(name, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.name, l.text = name+".", text
}

// told is how often it lied.
func (l *liar) told() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lies
}

func (l *liar) lie(q wire.Question) (text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q.Qtype != wire.TypeTXT || !strings.EqualFold(q.Name, l.name) {
		return ""
	}
	l.lies++
	return l.text
}

func (l *liar) ServeDNS(w wire.ResponseWriter, q *wire.Msg) {
	var r *wire.Msg
	if text := l.lie(q.Question[0]); text != "" {
		r = new(wire.Msg).SetReply(q)
		header := wire.RR_Header{Name: q.Question[0].Name, Rrtype: wire.TypeTXT, Class: wire.ClassINET, Ttl: 60}
		r.Answer = []wire.RR{&wire.TXT{Hdr: header, Txt: []string{text[:200], text[200:400], text[400:]}}}
	} else {
		r = passOn(w, q)
	}
	r.RecursionAvailable = true
	_ = w.WriteMsg(r)
}
