package authority

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	wire "github.com/miekg/dns"
)

const key = "s1._domainkey.example.test"

// delegations of example.test to two servers, as the resolver tells.
var delegations = []string{
	"example.test. 60 IN NS ns1.hoster.test.",
	"example.test. 60 IN NS ns2.hoster.test.",
	"ns1.hoster.test. 60 IN A 127.0.0.2",
	"ns2.hoster.test. 60 IN A 127.0.0.3",
	"other.test. 60 IN NS ns.other.test.",
	"ns.other.test. 60 IN A 127.0.0.4",
	"sub.example.test. 60 IN NS ns.other.test.",
}

// statuses lists what each server said: "ns1.hoster.test found".
func statuses(h Hop) []string {
	var out []string
	for _, a := range h.Answers {
		out = append(out, a.Server+" "+string(a.Status))
	}
	return out
}

func TestEveryServerIsAsked(t *testing.T) {
	good := `s1._domainkey.example.test. 120 IN TXT "v=DKIM1; n=a\\b; " "p=AA"`
	tests := []struct {
		name        string
		first, then handler
		want        []string
	}{
		{"they agree", zoneOf(t, "example.test.", good), zoneOf(t, "example.test.", good), []string{"found", "found"}},
		{"one has no such name", zoneOf(t, "example.test.", good), zoneOf(t, "example.test."), []string{"found", "nxdomain"}},
		{"one has another type", zoneOf(t, "example.test.", good), zoneOf(t, "example.test.", "s1._domainkey.example.test. 1 IN A 192.0.2.1"), []string{"found", "nodata"}},
		{"one fails", zoneOf(t, "example.test.", good), rcode(wire.RcodeServerFailure), []string{"found", "failed"}},
		{"one refuses", zoneOf(t, "example.test.", good), rcode(wire.RcodeRefused), []string{"found", "refused"}},
		{"one does not serve the zone", zoneOf(t, "example.test.", good), recursion(t, good), []string{"found", "lame"}},
		{"one is silent", zoneOf(t, "example.test.", good), silent, []string{"found", "timeout"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, delegations, map[string]handler{"127.0.0.2": tt.first, "127.0.0.3": tt.then})
			var c Config
			if tt.want[1] == "timeout" {
				c.Timeout = 2 * time.Second
			}
			chain := w.client(t, c).Follow(context.Background(), key)
			want := []string{"ns1.hoster.test " + tt.want[0], "ns2.hoster.test " + tt.want[1]}
			hop := chain.Last()
			if got := statuses(hop); !slices.Equal(got, want) || len(chain.Hops) != 1 || hop.Zone != "example.test" {
				t.Fatalf("zone %q: %v, want %v (%v)", hop.Zone, got, want, hop.Err)
			}
			record := hop.Answers[0].Records[0]
			if !slices.Equal(record.Strings, []string{`v=DKIM1; n=a\b; `, "p=AA"}) || record.TTL != 2*time.Minute {
				t.Errorf("%+v", record)
			}
			if a := hop.Answers[1]; a.Status == NXDomain && (a.NegativeTTL != 5*time.Minute || a.SOA.Serial != 7) {
				t.Errorf("negative TTL %v, %+v", a.NegativeTTL, a.SOA)
			}
		})
	}
}

// The resolver must never hear the name: it would remember that it does not exist.
func TestResolverDoesNotHearTheName(t *testing.T) {
	servers := map[string]handler{"127.0.0.2": zoneOf(t, "example.test."), "127.0.0.3": zoneOf(t, "example.test.")}
	w := newWorld(t, delegations, servers)
	c := w.client(t, Config{})
	name := "s1._domainkey.mail.example.test"
	c.Follow(context.Background(), name)
	c.Peek(context.Background(), name, A)
	c.Locate(context.Background(), "mail.example.test")
	if len(w.questions("127.0.0.2 TXT "+name)) != 1 {
		t.Fatalf("the authority was not asked: %q", w.questions(""))
	}
	for _, q := range w.questions("resolver ") {
		if strings.Contains(q, "mail.example.test") {
			t.Errorf("the resolver was asked %q", q)
		}
	}
}

func TestCNAMEHopByHop(t *testing.T) {
	servers := map[string]handler{
		"127.0.0.2": zoneOf(t, "example.test.", "s1._domainkey.example.test. 60 IN CNAME Key.other.test.", `key.other.test. 60 IN TXT "not mine to say"`),
		"127.0.0.3": zoneOf(t, "example.test.", "s1._domainkey.example.test. 60 IN CNAME key.other.test."),
		"127.0.0.4": zoneOf(t, "other.test.", `key.other.test. 60 IN TXT "v=DKIM1; p="`),
	}
	w := newWorld(t, delegations, servers)
	chain := w.client(t, Config{}).Follow(context.Background(), key)
	if len(chain.Hops) != 2 || chain.Hops[0].Alias() != "key.other.test" || chain.Loop {
		t.Fatalf("%+v", chain)
	}
	last := chain.Last()
	if last.Zone != "other.test" || len(last.Answers) != 1 || !slices.Equal(last.Answers[0].Texts(), []string{"v=DKIM1; p="}) {
		t.Errorf("%+v", last)
	}
}

func TestLoop(t *testing.T) {
	both := zoneOf(t, "example.test.", "s1._domainkey.example.test. 60 IN CNAME b.example.test.", "b.example.test. 60 IN CNAME s1._domainkey.example.test.")
	w := newWorld(t, delegations, map[string]handler{"127.0.0.2": both, "127.0.0.3": both})
	if chain := w.client(t, Config{}).Follow(context.Background(), key); !chain.Loop || len(chain.Hops) != 2 {
		t.Errorf("%+v", chain)
	}
}

func TestReferrals(t *testing.T) {
	parent := zoneOf(t, "example.test.", "sub.example.test. 60 IN NS ns.other.test.")
	child := zoneOf(t, "sub.example.test.", `s1._domainkey.sub.example.test. 60 IN TXT "v=DKIM1; p="`)
	w := newWorld(t, delegations, map[string]handler{"127.0.0.2": parent, "127.0.0.3": parent, "127.0.0.4": child})
	c := w.client(t, Config{})
	hop := c.Ask(context.Background(), "s1._domainkey.sub.example.test", TXT)
	if hop.Zone != "sub.example.test" || !slices.Equal(hop.NameServers, []string{"ns.other.test"}) || !slices.Equal(statuses(hop), []string{"ns.other.test found"}) {
		t.Errorf("%+v", hop)
	}
	if a := c.Peek(context.Background(), "s1._domainkey.sub.example.test", TXT); a.Status != Found {
		t.Errorf("peek: %+v", a)
	}
	z, err := c.Locate(context.Background(), "a.b.sub.example.test")
	if err != nil || z.Name != "sub.example.test" || z.NegativeTTL() != 5*time.Minute {
		t.Errorf("%+v, %v", z, err)
	}
}

func TestReferralUpIsLame(t *testing.T) {
	up := func(w wire.ResponseWriter, q *wire.Msg) {
		reply := new(wire.Msg).SetReply(q)
		reply.Ns = parse(t, []string{". 60 IN NS ns.other.test."})
		w.WriteMsg(reply)
	}
	w := newWorld(t, delegations, map[string]handler{"127.0.0.2": up, "127.0.0.3": up})
	if got := statuses(w.client(t, Config{}).Ask(context.Background(), key, TXT)); !slices.Equal(got, []string{"ns1.hoster.test lame", "ns2.hoster.test lame"}) {
		t.Errorf("%v", got)
	}
}

func TestLongAnswerComesOverTCP(t *testing.T) {
	long := zoneOf(t, "example.test.", `s1._domainkey.example.test. 60 IN TXT "`+strings.Repeat(strings.Repeat("A", 250)+`" "`, 8)+`"`)
	w := newWorld(t, delegations, map[string]handler{"127.0.0.2": long, "127.0.0.3": long})
	a := w.client(t, Config{}).Ask(context.Background(), key, TXT).Answers[0]
	if a.Network != "tcp" || a.Status != Found || len(a.Texts()[0]) != 2000 {
		t.Errorf("%+v", a)
	}
}

func TestServerFromBeforeEDNS(t *testing.T) {
	plainZone := zoneOf(t, "example.test.", `s1._domainkey.example.test. 60 IN TXT "v=DKIM1; p="`)
	old := func(w wire.ResponseWriter, q *wire.Msg) {
		if q.IsEdns0() != nil {
			rcode(wire.RcodeFormatError)(w, q)
			return
		}
		plainZone(w, q)
	}
	w := newWorld(t, delegations, map[string]handler{"127.0.0.2": old, "127.0.0.3": old})
	if a := w.client(t, Config{}).Ask(context.Background(), key, TXT).Answers[0]; a.Status != Found {
		t.Errorf("%+v", a)
	}
}

func TestNobodyToAsk(t *testing.T) {
	w := newWorld(t, append(delegations, "lame.test. 60 IN NS gone.test."), map[string]handler{"127.0.0.2": silent})
	c := w.client(t, Config{})
	var gone *NoDomainError
	if err := c.Ask(context.Background(), "s1._domainkey.expired.test", TXT).Err; !errors.As(err, &gone) || gone.Domain != "expired.test" {
		t.Errorf("expired: %v", err)
	}
	var none *NoServersError
	if err := c.Ask(context.Background(), "s1._domainkey.lame.test", TXT).Err; !errors.As(err, &none) || !slices.Equal(none.Servers, []string{"gone.test"}) {
		t.Errorf("no address: %v", err)
	}
}

func TestDeadline(t *testing.T) {
	w := newWorld(t, delegations, map[string]handler{"127.0.0.2": silent, "127.0.0.3": silent})
	c := w.client(t, Config{Timeout: time.Minute, Deadline: 50 * time.Millisecond})
	for _, a := range c.Ask(context.Background(), key, TXT).Answers {
		if a.Status != TimedOut {
			t.Errorf("%+v", a)
		}
	}
}

func TestRecursive(t *testing.T) {
	records := append(slices.Clone(delegations), "s1._domainkey.example.test. 60 IN CNAME key.other.test.", `key.other.test. 60 IN TXT "v=DKIM1; p="`)
	chase := recursion(t, records...)
	w := newWorld(t, delegations, map[string]handler{"127.0.0.2": func(w wire.ResponseWriter, q *wire.Msg) {
		if q.Question[0].Name != key+"." {
			chase(w, q)
			return
		}
		reply := new(wire.Msg).SetReply(q)
		reply.Answer = parse(t, records[len(records)-2:])
		w.WriteMsg(reply)
	}})
	w.resolver = "127.0.0.2:" + strconv.Itoa(w.port)
	r := Recursive{w.stub(t)}
	chain := r.Follow(context.Background(), key)
	if len(chain.Hops) != 2 || !reflect.DeepEqual(chain.Last().Answers[0].Texts(), []string{"v=DKIM1; p="}) {
		t.Errorf("%+v", chain)
	}
	if a := r.Peek(context.Background(), "none.example.test", TXT); a.Status != NXDomain {
		t.Errorf("%+v", a)
	}
}

func TestReachable(t *testing.T) {
	root := []string{". 60 IN NS root.test.", "root.test. 60 IN A 127.0.0.2"}
	if err := newWorld(t, root, map[string]handler{"127.0.0.2": zoneOf(t, ".")}).client(t, Config{}).Reachable(context.Background()); err != nil {
		t.Error(err)
	}
	w := newWorld(t, root, map[string]handler{"127.0.0.2": silent})
	if err := w.client(t, Config{Timeout: 100 * time.Millisecond}).Reachable(context.Background()); err == nil || !strings.Contains(err.Error(), "127.0.0.2") {
		t.Errorf("a closed port 53: %v", err)
	}
}

func TestPace(t *testing.T) {
	p, now := newPace(3), time.Unix(1000, 0)
	var got []time.Duration
	for range 7 {
		got = append(got, p.reserve("a", now))
	}
	want := []time.Duration{0, 0, 0, time.Second, time.Second, time.Second, 2 * time.Second}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if d := p.reserve("b", now); d != 0 {
		t.Errorf("another server waits %v", d)
	}
	p.forget(now.Add(10 * time.Second))
	if len(p.asked) != 0 {
		t.Errorf("remembered: %v", p.asked)
	}
}
