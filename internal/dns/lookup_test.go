package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	wire "github.com/miekg/dns"
)

const key = "s1._domainkey.example.com"

// DN-1: what is permanent and what is temporary.
func TestNotFound(t *testing.T) {
	tests := []struct {
		name   string
		handle handler
		want   NotFoundError
	}{
		{"DN-1 NXDOMAIN", zone(t), NotFoundError{Name: key, Target: key}},
		{"DN-1 NODATA", zone(t, key+". A 192.0.2.1"), NotFoundError{Name: key, Target: key, Exists: true}},
		{"DN-1 NODATA without SOA", rcode(wire.RcodeSuccess), NotFoundError{Name: key, Target: key, Exists: true}},
		{"DN-1 NXDOMAIN without SOA", rcode(wire.RcodeNameError), NotFoundError{Name: key, Target: key}},
		{"DN-4 dangling", zone(t, key+". CNAME gone.example.org."), NotFoundError{Name: key, Target: "gone.example.org"}},
		{"DN-4 to NODATA", zone(t, key+". CNAME a.example.org.", "a.example.org. A 192.0.2.1"), NotFoundError{Name: key, Target: "a.example.org", Exists: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := resolver(t, Config{}, newServer(t, tt.handle)).LookupTXT(t.Context(), key)
			var e *NotFoundError
			if !errors.As(err, &e) || *e != tt.want || !errors.Is(err, ErrNotFound) {
				t.Errorf("got %#v", err)
			}
		})
	}
}

func TestTemporary(t *testing.T) {
	txt := key + `. TXT "v=DKIM1; p=` + strings.Repeat("A", 200) + `"`
	tests := []struct {
		name    string
		handle  handler
		want    string // in the text of the error
		timeout bool
	}{
		{"DN-1 SERVFAIL", rcode(wire.RcodeServerFailure), "over udp: SERVFAIL", false},
		{"DN-1 REFUSED", rcode(wire.RcodeRefused), "over udp: REFUSED", false},
		{"DN-1 FORMERR", rcode(wire.RcodeFormatError), "over udp: FORMERR", false},
		{"DN-1 FORMERR without a question", func(w wire.ResponseWriter, q *wire.Msg) {
			reply := new(wire.Msg).SetRcode(q, wire.RcodeFormatError)
			reply.Question = nil
			w.WriteMsg(reply)
		}, "over udp: FORMERR", false},
		{"DN-1 time-out", silent, "over udp: no answer within", true},
		{"DN-1 truncated, TCP silent", onlyUDP(truncated), "over tcp: no answer within", true},
		{"DN-1 truncated, TCP closed", onlyUDP(truncated, func(w wire.ResponseWriter, _ *wire.Msg) { w.Close() }), "over tcp: ", false},
		{"DN-1 truncated over TCP", truncated, "over tcp: answer cut short over TCP", false},
		{"DN-1 wrong id over TCP", onlyUDP(truncated, func(w wire.ResponseWriter, q *wire.Msg) { q.Id++; zone(t, txt)(w, q) }), "over tcp: no answer to our question", false},
		{"wrong id", func(w wire.ResponseWriter, q *wire.Msg) { q.Id++; zone(t, txt)(w, q) }, "packets that were none: 1", true},
		{"wrong question", func(w wire.ResponseWriter, q *wire.Msg) {
			q.Question[0].Name = "s2._domainkey.example.com."
			zone(t, "s2._domainkey.example.com. TXT x")(w, q)
		}, "packets that were none: 1", true},
		{"wrong type", func(w wire.ResponseWriter, q *wire.Msg) { q.Question[0].Qtype = wire.TypeA; zone(t)(w, q) }, "packets that were none: 1", true},
		{"our own question", func(w wire.ResponseWriter, q *wire.Msg) { w.WriteMsg(q) }, "packets that were none: 1", true},
		{"garbage", func(w wire.ResponseWriter, _ *wire.Msg) { w.Write([]byte("garbage, garbage, garbage")) }, "packets that were none: 1", true},
		{"garbage, short", func(w wire.ResponseWriter, _ *wire.Msg) { w.Write([]byte{1}) }, "packets that were none: 1", true},
		{"garbage behind the header", func(w wire.ResponseWriter, q *wire.Msg) {
			packet, _ := new(wire.Msg).SetReply(q).Pack()
			packet[7] = 9 // answers
			w.Write(packet)
		}, "malformed answer", false},
		{"flood of strays", func(w wire.ResponseWriter, q *wire.Msg) {
			for range 2 * maxStrays {
				w.Write([]byte{1})
			}
		}, "among those that came", false},
		{"referral", func(w wire.ResponseWriter, q *wire.Msg) {
			reply := new(wire.Msg).SetReply(q)
			reply.Ns = []wire.RR{&wire.NS{Hdr: wire.RR_Header{Name: "com.", Rrtype: wire.TypeNS, Class: wire.ClassINET}, Ns: "ns.example.com."}}
			w.WriteMsg(reply)
		}, "referral", false},
		{"answer about another name", func(w wire.ResponseWriter, q *wire.Msg) {
			reply := new(wire.Msg).SetReply(q)
			reply.Answer = []wire.RR{&wire.TXT{Hdr: wire.RR_Header{Name: "other.example.", Rrtype: wire.TypeTXT, Class: wire.ClassINET}, Txt: []string{"v=DKIM1"}}}
			w.WriteMsg(reply)
		}, "about another name", false},
		{"DN-4 loop", zone(t, key+". CNAME a.example.", "a.example. CNAME "+key+"."), "CNAME loop", false},
		{"DN-4 loop in one answer", func(w wire.ResponseWriter, q *wire.Msg) {
			reply := new(wire.Msg).SetReply(q)
			reply.Answer = []wire.RR{cname(key+".", "a.example."), cname("a.example.", key+".")}
			w.WriteMsg(reply)
		}, "CNAME loop", false},
		{"DN-4 to itself", zone(t, key+". CNAME "+key+"."), "CNAME loop", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			timeout := time.Minute // who answers may be slow
			if tt.timeout {
				timeout = 2 * time.Second // and what is no answer has to come before it ends
			}
			server := newServer(t, tt.handle)
			_, err := resolver(t, Config{Attempts: 1, Timeout: timeout, Deadline: time.Hour}, server).LookupTXT(t.Context(), key)
			var e *TemporaryError
			if !errors.As(err, &e) || errors.Is(err, ErrNotFound) {
				t.Fatalf("got %#v", err)
			}
			if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), server.addr) || !strings.Contains(err.Error(), key) {
				t.Errorf("the error is %q, without %q", err, tt.want)
			}
			if e.Timeout() != tt.timeout {
				t.Errorf("Timeout() is %v of %v", e.Timeout(), err)
			}
		})
	}
}

func cname(name, target string) wire.RR {
	return &wire.CNAME{Hdr: wire.RR_Header{Name: name, Rrtype: wire.TypeCNAME, Class: wire.ClassINET, Ttl: 60}, Target: target}
}

func truncated(w wire.ResponseWriter, q *wire.Msg) {
	reply := new(wire.Msg).SetReply(q)
	reply.Truncated = true
	w.WriteMsg(reply)
}

// onlyUDP answers over UDP; over TCP the second handler does, or nobody.
func onlyUDP(udpHandler handler, tcpHandler ...handler) handler {
	return func(w wire.ResponseWriter, q *wire.Msg) {
		switch {
		case w.LocalAddr().Network() == udp:
			udpHandler(w, q)
		case len(tcpHandler) > 0:
			tcpHandler[0](w, q)
		}
	}
}

func TestUnreachable(t *testing.T) {
	packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := packets.LocalAddr().String()
	packets.Close()
	r := resolver(t, Config{Servers: []string{addr}, Attempts: 2, Timeout: time.Minute})
	_, err = r.LookupTXT(t.Context(), key)
	t.Run("DN-1", func(t *testing.T) {
		var e *TemporaryError
		if !errors.As(err, &e) || len(e.Tries) != 2 || e.Tries[0].Server != addr || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("got %v", err)
		}
	})
}

func TestFound(t *testing.T) {
	long := "v=DKIM1; p=" + strings.Repeat("A", 30000)
	octets := make([]byte, 250)
	for i := range octets {
		octets[i] = byte(i + 5)
	}
	tests := []struct {
		name   string
		handle handler
		want   Answer
	}{
		{"one", zone(t, key+`. 60 TXT "v=DKIM1; p=AA"`), Answer{TXT: []string{"v=DKIM1; p=AA"}, TTL: time.Minute}},
		{"KR-1 strings are joined", zone(t, key+`. 60 TXT "v=DKIM1; p=" "AA" "" " B"`), Answer{TXT: []string{"v=DKIM1; p=AA B"}, TTL: time.Minute}},
		{"KR-1 several records", zone(t, key+`. 60 TXT "a"`, key+`. 30 TXT "b" "c"`), Answer{TXT: []string{"a", "bc"}, TTL: 30 * time.Second}},
		{"KR-17 empty text", zone(t, key+`. 60 TXT ""`), Answer{TXT: []string{""}, TTL: time.Minute}},
		{"DN-2 over TCP", long60(long), Answer{TXT: []string{long}, TTL: time.Minute}},
		{"DN-2 of a server from before EDNS", beforeEDNS(wire.RcodeFormatError), Answer{TXT: []string{"v=DKIM1; p=AA"}, TTL: time.Minute}},
		{"DN-2 of a server that knows no EDNS", beforeEDNS(wire.RcodeNotImplemented), Answer{TXT: []string{"v=DKIM1; p=AA"}, TTL: time.Minute}},
		{"any octet", long60(string(octets)), Answer{TXT: []string{string(octets)}, TTL: time.Minute}},
		{"name in upper case", func(w wire.ResponseWriter, q *wire.Msg) {
			q.Question[0].Name = strings.ToUpper(q.Question[0].Name)
			zone(t, key+". 60 TXT x")(w, q)
		}, Answer{TXT: []string{"x"}, TTL: time.Minute}},
		{"long TTL", zone(t, key+". 86400 TXT x"), Answer{TXT: []string{"x"}, TTL: time.Hour}},
		{"negative TTL", zone(t, key+". 4294967295 TXT x"), Answer{TXT: []string{"x"}}},
		{"DN-4", zone(t, key+". 60 CNAME a.example.", "a.example. 20 CNAME b.example.", "b.example. 90 TXT x"), Answer{TXT: []string{"x"}, TTL: 20 * time.Second, Name: "b.example"}},
		{"DN-4 in pieces", piecewise(zone(t, key+". 60 CNAME A.example.", "a.example. 20 CNAME b.example.", "b.example. 90 TXT x")), Answer{TXT: []string{"x"}, TTL: 20 * time.Second, Name: "b.example"}},
		{"DN-4 as long as may be", zone(t, chain(maxHops)...), Answer{TXT: []string{"x"}, TTL: time.Minute, Name: fmt.Sprintf("c%d.example", maxHops)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := newServer(t, tt.handle)
			clock := time.Now()
			r := resolver(t, Config{Now: func() time.Time { return clock }}, server)
			got, err := r.LookupTXT(t.Context(), strings.ToUpper(key)+".")
			if tt.want.Name == "" {
				tt.want.Name = key
			}
			tt.want.Server = server.addr
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %.300v, %v", got, err)
			}
		})
	}
	t.Run("DN-4 one CNAME too many", func(t *testing.T) {
		_, err := resolver(t, Config{}, newServer(t, zone(t, chain(maxHops+1)...))).LookupTXT(t.Context(), key)
		if !errors.Is(err, ErrLoop) {
			t.Errorf("got %v", err)
		}
	})
}

// long60 answers with a text of any octets and a TTL of a minute.
func long60(text string) handler {
	record := &wire.TXT{Hdr: wire.RR_Header{Name: key + ".", Rrtype: wire.TypeTXT, Class: wire.ClassINET, Ttl: 60}}
	for chunk := range slices.Chunk([]byte(text), 255) {
		var escaped strings.Builder
		for _, c := range chunk {
			fmt.Fprintf(&escaped, `\%03d`, c)
		}
		record.Txt = append(record.Txt, escaped.String())
	}
	return func(w wire.ResponseWriter, q *wire.Msg) {
		reply := new(wire.Msg).SetReply(q)
		reply.Answer = []wire.RR{record}
		if w.LocalAddr().Network() == udp {
			reply.Truncate(int(q.IsEdns0().UDPSize()))
		}
		w.WriteMsg(reply)
	}
}

// beforeEDNS answers a question with an OPT record with that code, any other with a record.
func beforeEDNS(code int) handler {
	return func(w wire.ResponseWriter, q *wire.Msg) {
		if q.IsEdns0() != nil {
			rcode(code)(w, q)
			return
		}
		reply := new(wire.Msg).SetReply(q)
		reply.Answer = []wire.RR{&wire.TXT{Hdr: wire.RR_Header{Name: key + ".", Rrtype: wire.TypeTXT, Class: wire.ClassINET, Ttl: 60}, Txt: []string{"v=DKIM1; p=AA"}}}
		w.WriteMsg(reply)
	}
}

// chain is a chain of n CNAME records from key to a TXT record.
func chain(n int) []string {
	records := []string{key + ". 60 CNAME c1.example."}
	for i := 1; i < n; i++ {
		records = append(records, fmt.Sprintf("c%d.example. 60 CNAME c%d.example.", i, i+1))
	}
	return append(records, fmt.Sprintf("c%d.example. 60 TXT x", n))
}

// piecewise gives one record of an answer at a time, as servers do that are authoritative for a part of a chain.
func piecewise(whole handler) handler {
	return func(w wire.ResponseWriter, q *wire.Msg) { whole(&firstRecord{w}, q) }
}

type firstRecord struct{ wire.ResponseWriter }

func (w *firstRecord) WriteMsg(reply *wire.Msg) error {
	reply.Answer = reply.Answer[:1]
	return w.ResponseWriter.WriteMsg(reply)
}

// DN-2: what goes out.
func TestQuestion(t *testing.T) {
	server := newServer(t, zone(t, key+". 60 TXT x"))
	r := resolver(t, Config{CacheSize: -1}, server)
	for range 20 {
		if _, err := r.LookupTXT(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	t.Run("DN-2", func(t *testing.T) {
		asked := server.last
		if opt := asked.IsEdns0(); opt == nil || opt.UDPSize() != 1232 || opt.Do() {
			t.Errorf("EDNS: %v", opt)
		}
		if !asked.RecursionDesired || !asked.AuthenticatedData || asked.CheckingDisabled {
			t.Errorf("flags: %v", asked.MsgHdr)
		}
	})
	t.Run("hard to guess", func(t *testing.T) {
		if len(server.ids) < 15 || len(server.ports) < 10 {
			t.Errorf("20 questions had %d IDs and %d source ports", len(server.ids), len(server.ports))
		}
	})
}

// An answer counts even if forged ones come before it.
func TestStraysBeforeAnswer(t *testing.T) {
	elsewhere, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	forged := zone(t, key+". 60 TXT forged")
	server := newServer(t, func(w wire.ResponseWriter, q *wire.Msg) {
		other := q.Copy()
		other.Id++
		forged(w, other)
		other = q.Copy()
		other.Question[0].Qclass = wire.ClassCHAOS
		forged(w, other)
		w.Write([]byte("?"))
		reply := new(wire.Msg).SetReply(q)
		reply.Answer = []wire.RR{&wire.TXT{Hdr: wire.RR_Header{Name: key + ".", Rrtype: wire.TypeTXT, Class: wire.ClassINET}, Txt: []string{"from elsewhere"}}}
		packet, _ := reply.Pack()
		elsewhere.WriteTo(packet, w.RemoteAddr())
		zone(t, key+". 60 TXT true")(w, q)
	})
	got, err := resolver(t, Config{}, server).LookupTXT(t.Context(), key)
	if err != nil || !slices.Equal(got.TXT, []string{"true"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

// DN-5: names are checked before anybody is asked.
func TestNames(t *testing.T) {
	server := newServer(t, zone(t))
	r := resolver(t, Config{}, server)
	label := strings.Repeat("a", 63)
	for name, bad := range map[string]string{
		"NUL":             "s1._domainkey.bank.example\x00.tricky.example",
		"slash":           "a/b.example",
		"parenthesis":     "s1._domainkey.bank.example(.tricky.example",
		"blank":           "a b.example",
		"line end":        "a\r\n.example",
		"backslash":       `a\.b.example`,
		"asterisk":        "*.example",
		"U-label":         "b\u00fccher.example",
		"one-dot leader":  "a\u2024example",
		"not UTF-8":       "a\xff.example",
		"empty":           "",
		"root":            ".",
		"empty label":     "a..example",
		"leading dot":     ".example",
		"two final dots":  "a.example..",
		"label of 64":     label + "a.example",
		"name of 254":     strings.Join([]string{label, label, label, label[:62]}, "."),
		"name of 300 000": strings.Repeat("a.", 150000) + "a",
	} {
		t.Run("DN-5 "+name, func(t *testing.T) {
			_, err := r.LookupTXT(t.Context(), bad)
			var e *NameError
			if !errors.As(err, &e) || !errors.Is(err, ErrNotFound) {
				t.Errorf("got %v", err)
			}
		})
	}
	if n := len(server.questions()); n != 0 {
		t.Errorf("%d questions were asked", n)
	}
	t.Run("DN-5 name of 253", func(t *testing.T) {
		_, err := r.LookupTXT(t.Context(), strings.Join([]string{label, label, label, label[:61]}, "."))
		if !errors.As(err, new(*NotFoundError)) || len(server.questions()) == 0 {
			t.Errorf("got %v after %d questions", err, len(server.questions()))
		}
	})
}

func TestDeadline(t *testing.T) {
	server := newServer(t, silent)
	t.Run("DN-3 of the look-up", func(t *testing.T) {
		r := resolver(t, Config{Timeout: 20 * time.Millisecond, Attempts: 1 << 20, Deadline: 100 * time.Millisecond}, server)
		_, err := r.LookupTXT(t.Context(), key)
		var e *TemporaryError
		if !errors.As(err, &e) || !e.Timeout() || len(e.Tries) == 0 || !strings.Contains(err.Error(), "within the time for a look-up") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("DN-3 of the caller", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := resolver(t, Config{Timeout: time.Hour}, server).LookupTXT(ctx, key)
		var e *TemporaryError
		if !errors.As(err, &e) || !e.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("canceled before it began", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		before := len(server.questions())
		_, err := resolver(t, Config{}, server).LookupTXT(ctx, key)
		if !errors.Is(err, context.Canceled) || len(server.questions()) != before {
			t.Errorf("got %v", err)
		}
	})
}
