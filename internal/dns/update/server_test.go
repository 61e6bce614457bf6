package update

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	wire "github.com/miekg/dns"
)

// server answers every message over TCP and UDP as reply says. The signature of its
// answer is made with the secret that it shares, unless reply says otherwise.
type server struct {
	address string
	secret  string
	reply   func(question, answer *wire.Msg) (signed bool)
}

func serve(t *testing.T, reply func(question, answer *wire.Msg) (signed bool)) *server {
	t.Helper()
	s := &server{secret: secret, reply: reply}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s.address = l.Addr().String()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.answer(conn)
			conn.Close()
		}
	}()
	return s
}

func (s *server) answer(conn net.Conn) {
	var length uint16
	if binary.Read(conn, binary.BigEndian, &length) != nil {
		return
	}
	raw := make([]byte, length)
	if _, err := io.ReadFull(conn, raw); err != nil {
		return
	}
	question, answer := new(wire.Msg), new(wire.Msg)
	if question.Unpack(raw) != nil {
		return
	}
	answer.SetReply(question)
	answer.Authoritative = true
	signed := s.reply(question, answer)
	out, err := answer.Pack()
	if tsig := question.IsTsig(); signed && tsig != nil {
		answer.SetTsig(tsig.Hdr.Name, tsig.Algorithm, fudge, time.Now().Unix())
		out, _, err = wire.TsigGenerate(answer, s.secret, tsig.MAC, false)
	}
	if err == nil {
		conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...))
	}
}

func (s *server) client(t *testing.T) *Server {
	t.Helper()
	key, err := ParseKey([]byte(secret), "postseal.example", "")
	if err != nil {
		t.Fatal(err)
	}
	return &Server{Address: s.address, Key: key, TCP: true, Timeout: 5 * time.Second}
}

const leaf = "s1._domainkey.example.com"

func TestAddIsSignedAndExpectsNothing(t *testing.T) {
	var got *wire.Msg
	var fault error
	s := serve(t, func(question, _ *wire.Msg) bool { got = question; return true })
	for _, kind := range []string{"TXT", "CNAME"} {
		if err := s.client(t).Add(t.Context(), "example.com", Record{Name: leaf, Type: kind, Value: "v=DKIM1; p=\"x\"", TTL: 60}); err != nil {
			t.Fatal(kind, err)
		}
		if got.Opcode != wire.OpcodeUpdate || got.Question[0].Name != "example.com." || got.IsTsig() == nil || len(got.Ns) != 1 {
			t.Errorf("%s: sent %v, %v", kind, got, fault)
		}
		for _, rr := range got.Answer { // RFC 2136 section 2.4.3 and 2.4.5
			if rr.Header().Class != wire.ClassNONE {
				t.Errorf("%s: expects %v", kind, rr)
			}
		}
		if want := map[string]int{"TXT": 2, "CNAME": 1}[kind]; len(got.Answer) != want {
			t.Errorf("%s: %d prerequisites, want %d", kind, len(got.Answer), want)
		}
	}
}

func TestReplaceAndRemoveExpectWhatWasSeen(t *testing.T) {
	var got *wire.Msg
	seen := &wire.TXT{Hdr: wire.RR_Header{Name: leaf + ".", Rrtype: wire.TypeTXT, Class: wire.ClassINET, Ttl: 300}, Txt: []string{`v=DKIM1\; `, `p=\"AA`}}
	s := serve(t, func(question, answer *wire.Msg) bool {
		got = question
		if question.Opcode == wire.OpcodeQuery {
			answer.Answer = []wire.RR{seen}
		}
		return true
	})
	before, err := s.client(t).Look(t.Context(), "example.com", leaf)
	if err != nil || len(before.Records) != 1 || before.Records[0].Value != `v=DKIM1; p="AA` {
		t.Fatalf("%+v, %v", before, err)
	}
	for _, change := range []func() error{
		func() error {
			return s.client(t).Replace(t.Context(), "example.com", before, Record{Name: leaf, Type: "TXT", Value: "new", TTL: 60})
		},
		func() error { return s.client(t).Remove(t.Context(), "example.com", before) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if len(got.Answer) != 1 || got.Answer[0].Header().Ttl != 0 || got.Answer[0].Header().Class != wire.ClassINET {
			t.Fatalf("prerequisites %v", got.Answer)
		}
		if have := recordOf(got.Answer[0]); have.Value != before.Records[0].Value {
			t.Errorf("expects %+v", have)
		}
		if got.Ns[0].Header().Class != wire.ClassANY || got.Ns[0].Header().Rrtype != wire.TypeTXT {
			t.Errorf("first update %v", got.Ns[0])
		}
	}
	if before.rrs[0].Header().Ttl != 300 {
		t.Error("what was seen has changed")
	}
}

// Each refusal says what to do, and which are facts about the zone.
func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		name     string
		rcode    int
		tsig     uint16 // error of the signature
		unsigned bool
		want     string
		conflict bool
	}{
		{"somebody's record", wire.RcodeYXRrset, 0, false, "did not write", true},
		{"somebody's name", wire.RcodeYXDomain, 0, false, "did not write", true},
		{"somebody was faster", wire.RcodeNXRrset, 0, false, "changed by somebody else", true},
		{"not allowed", wire.RcodeRefused, 0, false, "update-policy", false},
		{"not allowed, unsigned", wire.RcodeRefused, 0, true, "update-policy", false},
		{"not its zone", wire.RcodeNotAuth, 0, true, "does not serve the zone example.com", false},
		{"outside", wire.RcodeNotZone, 0, false, "not in its zone", false},
		{"a secondary", wire.RcodeNotImplemented, 0, false, "secondary", false},
		{"a full disk", wire.RcodeServerFailure, 0, false, "could not store", false},
		{"a fact that anybody may have sent", wire.RcodeYXRrset, 0, true, "not signed", false},
		{"done, says anybody", wire.RcodeSuccess, 0, true, "not signed", false},
		{"unknown key", wire.RcodeNotAuth, wire.RcodeBadKey, true, "does not know the key postseal.example", false},
		{"another secret", wire.RcodeNotAuth, wire.RcodeBadSig, true, "its secret of the key postseal.example is another one", false},
		{"another clock", wire.RcodeNotAuth, wire.RcodeBadTime, true, "its clock and ours differ", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, func(question, answer *wire.Msg) bool {
				answer.Rcode = test.rcode
				if test.tsig != 0 {
					answer.Extra = append(answer.Extra, &wire.TSIG{
						Hdr:       wire.RR_Header{Name: "postseal.example.", Rrtype: wire.TypeTSIG, Class: wire.ClassANY},
						Algorithm: wire.HmacSHA256, TimeSigned: uint64(time.Now().Unix()), Fudge: 300, OrigId: question.Id, Error: test.tsig,
						OtherLen: 6, OtherData: "000065000000",
					})
				}
				return !test.unsigned
			})
			err := s.client(t).Add(t.Context(), "example.com", Record{Name: leaf, Type: "TXT", Value: "x"})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			var refused *Error
			if conflict := errors.As(err, &refused) && refused.Conflict(); conflict != test.conflict {
				t.Errorf("conflict %v", conflict)
			}
			if refused != nil && refused.MayBeDone() != (test.rcode == wire.RcodeServerFailure) {
				t.Errorf("may be done: %v", refused.MayBeDone())
			}
		})
	}
}

func TestForgedAnswerIsNotBelieved(t *testing.T) {
	s := serve(t, func(_, _ *wire.Msg) bool { return true })
	client := s.client(t)
	s.secret = "c29tZWJvZHkgZWxzZQ=="
	if err := client.Add(t.Context(), "example.com", Record{Name: leaf, Type: "TXT", Value: "x"}); err == nil || !strings.Contains(err.Error(), "signature of its answer is not right") {
		t.Errorf("got %v", err)
	}
}

func TestServerAway(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client := (&server{address: l.Addr().String()}).client(t)
	var unreachable *UnreachableError
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := client.Look(ctx, "example.com", leaf); done <- err }()
	if conn, err := l.Accept(); err == nil { // it takes the connection and says nothing
		defer conn.Close()
	}
	cancel()
	if err := <-done; !errors.As(err, &unreachable) {
		t.Errorf("silent: %v", err)
	}
	l.Close()
	if _, err := client.Look(t.Context(), "example.com", leaf); !errors.As(err, &unreachable) || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("closed: %v", err)
	}
}
