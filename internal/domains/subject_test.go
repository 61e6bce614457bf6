package domains_test

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/dns"
	"github.com/postseal/postseal/internal/dns/authority"
	"github.com/postseal/postseal/internal/domains"
)

// zone is a name server with the lines of a zone file, asked by the real engine.
type zone struct {
	mu      sync.Mutex
	records []wire.RR
}

// realDNS makes the world's service ask the real engine, and that a zone.
func (w *world) realDNS(lines ...string) *zone {
	w.Helper()
	z := &zone{}
	z.add(w.T, append(lines, "example.com. 3600 IN SOA ns1.example.com. host.example.com. 1 3600 600 86400 300", "example.com. 3600 IN NS ns1.example.com.")...)
	packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
	w.must(err)
	started := make(chan struct{})
	server := &wire.Server{PacketConn: packets, Handler: z, NotifyStartedFunc: func() { close(started) }}
	go server.ActivateAndServe()
	<-started
	w.Cleanup(func() { server.Shutdown() })
	resolver, err := dns.New(dns.Config{Servers: []string{packets.LocalAddr().String()}, CacheSize: -1})
	w.must(err)
	source := authority.Recursive{Resolver: resolver}
	w.service = domains.New(domains.Options{
		Store: w.store, Policy: w.policy, Clock: w.clock, Checker: &check.Engine{Authority: source, Resolver: source, Now: w.clock.Now},
	})
	w.keeper = domains.NewKeeper(w.service, "mx1")
	return z
}

func (z *zone) add(t *testing.T, lines ...string) {
	t.Helper()
	z.mu.Lock()
	defer z.mu.Unlock()
	for _, line := range lines {
		rr, err := wire.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		z.records = append(z.records, rr)
	}
}

// publish replaces what stands at a key's name.
func (z *zone) publish(t *testing.T, k domains.Key, text string) {
	t.Helper()
	name := record(k) + "."
	z.drop(func(rr wire.RR) bool { return rr.Header().Name == name })
	z.add(t, name+` 3600 IN TXT "`+strings.Join(dkim.TXTStrings(text), `" "`)+`"`)
}

func (z *zone) drop(match func(wire.RR) bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	var kept []wire.RR
	for _, rr := range z.records {
		if !match(rr) {
			kept = append(kept, rr)
		}
	}
	z.records = kept
}

// ServeDNS answers with what stands at the name, along its CNAME records.
func (z *zone) ServeDNS(out wire.ResponseWriter, question *wire.Msg) {
	reply := new(wire.Msg).SetRcode(question, wire.RcodeNameError)
	z.mu.Lock()
	defer z.mu.Unlock()
	q := question.Question[0]
	for name := strings.ToLower(q.Name); name != ""; {
		next := ""
		for _, rr := range z.records {
			if rr.Header().Name != name {
				continue
			}
			reply.Rcode = wire.RcodeSuccess
			if alias, ok := rr.(*wire.CNAME); ok && q.Qtype != wire.TypeCNAME {
				next = alias.Target
			} else if rr.Header().Rrtype != q.Qtype {
				continue
			}
			reply.Answer = append(reply.Answer, rr)
		}
		name = next
	}
	for _, rr := range z.records {
		if rr.Header().Rrtype == wire.TypeSOA && len(reply.Answer) == 0 {
			reply.Ns = []wire.RR{rr}
		}
	}
	out.WriteMsg(reply)
}

// finding verifies a row now and wants a finding of one of its keys.
func (w *world) finding(name, code string) check.Finding {
	w.Helper()
	checked, err := w.service.Verify(w.ctx, "root", name)
	w.must(err)
	var codes []string
	for _, c := range checked {
		for _, f := range c.Result.Findings {
			if f.Code == code {
				return f
			}
			codes = append(codes, f.Code)
		}
	}
	w.Errorf("%s: findings %v, want %s", name, codes, code)
	return check.Finding{}
}

func (w *world) noFinding(name, code string) {
	w.Helper()
	checked, err := w.service.Verify(w.ctx, "root", name)
	w.must(err)
	for _, c := range checked {
		for _, f := range c.Result.Findings {
			if f.Code == code {
				w.Errorf("%s: %s %s: %s", name, f.Code, f.Title, f.Got)
			}
		}
	}
}

// What the store knows goes into a check, so that the findings that need it come.
func TestChecksKnowTheStore(t *testing.T) {
	for name, test := range map[string]func(*world){
		"D105": selectorTaken, "D111": otherProvider, "D402 one of ours": knownKey, "D413": sharedKey, "D504": otherSlot,
		"D505": delegatedNames, "D509": formerTarget, "D512": dangling, "t=y on purpose": testingOnPurpose,
	} {
		t.Run(name, func(t *testing.T) { test(newWorld(t)) })
	}
}

// A key that stands in DNS refuses its selector, and nothing else there does.
func selectorTaken(w *world) {
	w.realDNS(`s1._domainkey.example.com. 3600 IN TXT "v=DKIM1; p="`, `s2._domainkey.example.com. 3600 IN TXT "v=spf1 -all"`)
	add := func(selector string, offline bool) (domains.Added, error) {
		return w.service.Add(w.ctx, "root", domains.AddRequest{
			Name: "example.com", Selector: selector, Offline: offline, Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256},
		})
	}
	_, err := add("s1", false)
	w.refused(err, "D105")
	if err == nil || !strings.Contains(err.Error(), "--selector") {
		w.Errorf("%v: no way on", err)
	}
	added, err := add("s2", false)
	w.must(err)
	if k := added.Keys[0]; !k.SeenBefore || k.TTLSeenOld != 3600 {
		w.Errorf("seen before %v, %d s", k.SeenBefore, k.TTLSeenOld)
	}
	_, err = w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{Selector: "s1"})
	w.refused(err, "nothing-to-rotate")
	_, err = w.service.Delete(w.ctx, "root", "example.com", domains.DeleteRequest{})
	w.must(err)
	_, err = add("s1", true)
	w.must(err)
}

// The record went to the provider that the domain has left.
func otherProvider(w *world) {
	z := w.realDNS()
	w.add("example.com")
	w.noFinding("example.com", "D111")
	z.drop(func(rr wire.RR) bool { return rr.Header().Rrtype == wire.TypeNS })
	z.add(w.T, "example.com. 3600 IN NS ns1.new.test.")
	if f := w.finding("example.com", "D111"); !strings.Contains(f.Got+f.Expected+f.Change, "ns1.new.test") || !strings.Contains(f.Got+f.Expected+f.Change, "ns1.example.com") {
		w.Errorf("%+v", f)
	}
	d, err := w.service.Show(w.ctx, "example.com")
	w.must(err)
	z.publish(w.T, d.Keys[0], d.Keys[0].Record)
	w.noFinding("example.com", "D111") // it is right there: the move is known from now on
	z.drop(func(rr wire.RR) bool { return rr.Header().Rrtype == wire.TypeTXT })
	w.noFinding("example.com", "D111")
}

// Another key of ours stands there: which, and since when it is not in use.
func knownKey(w *world) {
	z := w.realDNS()
	old := w.add("example.com")
	z.publish(w.T, old, old.Record)
	w.live(5 * time.Minute)
	w.is(old.ID, domains.Active)
	added, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
	w.must(err)
	z.publish(w.T, added.Keys[0], old.Record)
	if f := w.finding("example.com", "D402"); !strings.Contains(f.Got, "your key "+old.Selector+", which is active") {
		w.Errorf("%s", f.Got)
	}
	z.publish(w.T, added.Keys[0], added.Keys[0].Record)
	w.live(day)
	w.is(old.ID, domains.Retiring)
	z.publish(w.T, added.Keys[0], old.Record)
	if f := w.finding("example.com", "D402"); !strings.Contains(f.Got, "your key "+old.Selector+", replaced 2026-11-22") {
		w.Errorf("%s", f.Got)
	}
	elsewhere := w.add("sub.example.com")
	z.publish(w.T, elsewhere, added.Keys[0].Record)
	if f := w.finding("sub.example.com", "D402"); !strings.Contains(f.Got, "your key "+added.Keys[0].Selector+" of example.com") {
		w.Errorf("%s", f.Got)
	}
	z.publish(w.T, added.Keys[0], added.Keys[0].Record)
	w.live(10 * day)
	z.publish(w.T, added.Keys[0], old.Record)
	if f := w.finding("example.com", "D402"); !strings.Contains(f.Got, "your key "+old.Selector+", retired 2026-11-29") {
		w.Errorf("%s", f.Got)
	}
}

// One key for two domains, though each should have its own.
func sharedKey(w *world) {
	z := w.realDNS()
	pem, err := newKey(w.T).PEM()
	w.must(err)
	for _, name := range []string{"example.com", "sub.example.com"} {
		added, err := w.service.Import(w.ctx, "root", domains.ImportRequest{AddRequest: domains.AddRequest{Name: name, Selector: "s1"}, PEM: pem})
		w.must(err)
		z.publish(w.T, added.Keys[0], added.Keys[0].Record)
		if name == "example.com" {
			w.noFinding(name, "D413")
		}
	}
	if f := w.finding("example.com", "D413"); !strings.Contains(f.Got, "sub.example.com") || f.Severity != check.Warning {
		w.Errorf("%+v", f)
	}
	w.finding("sub.example.com", "D413")
}

func newKey(t *testing.T) *dkim.PrivateKey {
	t.Helper()
	key, err := dkim.Generate(dkim.Ed25519SHA256, 0)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// aliased makes a row in CNAME mode with its targets published.
func (w *world) aliased(z *zone) domains.Key {
	w.Helper()
	k := w.add("example.com", func(r *domains.AddRequest) { r.Publish, r.Slots = domains.PublishCNAME, 2 })
	z.add(w.T, record(k)+". 3600 IN CNAME "+k.Target+".", k.Target+`. 3600 IN TXT "`+k.Record+`"`)
	return k
}

func newAliasWorld(w *world, lines ...string) *zone {
	w.policy.KeyZone.Name = "keys.example.com"
	return w.realDNS(lines...)
}

// The second slot's CNAME is missing: an error first, a warning once the domain signs.
func otherSlot(w *world) {
	z := newAliasWorld(w)
	k := w.aliased(z)
	f := w.finding("example.com", "D504")
	if f.Severity != check.Error || !strings.Contains(f.Asked+f.Got+f.Change, "pse2._domainkey") {
		w.Errorf("%+v", f)
	}
	w.live(time.Hour)
	w.is(k.ID, domains.Pending)
	second := "pse2._domainkey.example.com. 3600 IN CNAME pse2" + strings.TrimPrefix(k.Target, k.Selector) + "."
	z.add(w.T, second)
	w.live(time.Hour)
	w.is(k.ID, domains.Active)
	w.noFinding("example.com", "D504")
	z.drop(func(rr wire.RR) bool { return rr.Header().Name == "pse2._domainkey.example.com." })
	if f := w.finding("example.com", "D504"); f.Severity != check.Warning {
		w.Errorf("%+v", f)
	}
	w.is(k.ID, domains.Active)
}

func delegatedNames(w *world) {
	w.realDNS("_domainkey.example.com. 3600 IN NS ns1.elsewhere.test.")
	w.add("example.com")
	if f := w.finding("example.com", "D505"); !strings.Contains(f.Got+f.Change, "ns1.elsewhere.test") {
		w.Errorf("%+v", f)
	}
}

// The key zone has another name now, and the customer's CNAME points to the old one.
func formerTarget(w *world) {
	w.policy.KeyZone = domains.KeyZone{Name: "new.example.com", Former: []string{"keys.example.com"}}
	z := w.realDNS()
	k := w.add("example.com", func(r *domains.AddRequest) { r.Publish, r.Slots = domains.PublishCNAME, 1 })
	old := k.Selector + ".example-com.keys.example.com."
	z.add(w.T, record(k)+". 3600 IN CNAME "+old, old+` 3600 IN TXT "v=DKIM1; p="`)
	w.finding("example.com", "D509")
}

// A deleted domain's CNAME still points to our zone.
func dangling(w *world) {
	z := newAliasWorld(w)
	k := w.aliased(z)
	z.add(w.T, "pse2._domainkey.example.com. 3600 IN CNAME pse2"+strings.TrimPrefix(k.Target, k.Selector)+".")
	w.live(time.Hour)
	_, err := w.service.Delete(w.ctx, "root", "example.com", domains.DeleteRequest{Now: true, Yes: true})
	w.must(err)
	w.live(2 * day)
	last := func() (run domains.CheckRun) {
		w.view(func(tx domains.Tx) error {
			runs, err := tx.Runs(k.ID, 1)
			if err == nil && len(runs) == 1 {
				run = runs[0]
			}
			return err
		})
		return run
	}
	if run := last(); len(run.Findings) == 0 || run.Findings[0].Code != "D512" || !w.key(k.ID).DNSGoneAt.IsZero() {
		w.Errorf("%+v", run)
	}
	z.drop(func(rr wire.RR) bool { return rr.Header().Rrtype == wire.TypeCNAME })
	w.live(2 * day)
	if w.key(k.ID).DNSGoneAt.IsZero() {
		w.Errorf("not gone: %+v", last())
	}
}

// A record that was handed out with t=y is not blamed for it.
func testingOnPurpose(w *world) {
	z := w.realDNS()
	k := w.add("example.com")
	z.publish(w.T, k, k.Record+"; t=y")
	w.finding("example.com", "D401")
	w.must(w.store.Update(w.ctx, func(tx domains.Tx) error {
		k, err := tx.Key(k.ID)
		if err != nil {
			return err
		}
		k.Record += "; t=y"
		return tx.PutKey(k)
	}))
	w.noFinding("example.com", "D401")
}
