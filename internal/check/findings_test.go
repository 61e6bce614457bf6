package check

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns/authority"
)

const target = "s1.example-test.keys.test"

// aliased is a key of ours behind a CNAME.
func aliased(key *dkim.PrivateKey) Subject {
	s := subject(key)
	s.Target = target
	return s
}

func strange(change func(*Subject)) Subject {
	s := subject(keys.rsa)
	change(&s)
	return s
}

// situations produce each finding, with the severity that it must have there.
func situations() map[string][]situation {
	good := keys.rsa.PublicRecord()
	p := keyText(keys.rsa.Public())
	ours := subject(keys.rsa)
	alias := aliased(keys.rsa)
	foreign := Subject{Domain: domain, Selector: "s1"}
	pem, _ := keys.rsa.PEM()
	seed := seedOf(keys.ed)
	elsewhere := func(other string) *fakeDNS { return newFake().txt(other, good) }
	behind := func(to string) *fakeDNS { return newFake().cname(name, to) }
	slots := func(active bool) Subject {
		s := alias
		s.Active = active
		s.Slots = []Slot{{"s2", "s2.example-test.keys.test"}}
		return s
	}
	spki := "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(append([]byte("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"), keys.ed.Public().(ed25519Key)...))
	return map[string][]situation{
		"D101": {{newFake(), ours, Error}, {newFake(), alias, Error}, {newFake(), foreign, Error}},
		"D102": {{newFake().add(name, authority.A, "192.0.2.7"), ours, Error}, {newFake().txt("x."+name, "x"), foreign, Error}},
		"D111": {{newFake(), strange(func(s *Subject) { s.Providers = []string{"ns1.old.test."} }), Error}},
		"D201": {{elsewhere(name + "." + domain), ours, Error}, {newFake().cname(name+"."+domain, target), alias, Error}, {elsewhere(name + "." + domain), foreign, Error}},
		"D202": {{elsewhere("s1._domainkey._domainkey." + domain), ours, Error}},
		"D203": {{elsewhere("s1._domainkey.www." + domain), ours, Error}},
		"D204": {{elsewhere("s1." + domain), ours, Error}, {elsewhere("s1.domainkey." + domain), ours, Error}, {elsewhere("_domainkey.s1." + domain), ours, Error}},
		"D205": {{elsewhere("_domainkey." + domain), ours, Error}, {newFake().txt(domain, "v=spf1 -all", good), ours, Error}},
		"D206": {{elsewhere(name), strange(func(s *Subject) { s.Domain = "mail." + domain }), Error}},
		"D207": {{newFake().txt(name, good).txt("*._domainkey."+domain, good), ours, Warning}},
		"D208": {{newFake().txt("*._domainkey."+domain, "v=spf1 -all"), ours, Error}},
		"D209": {{newFake().txt(name, `s1._domainkey IN TXT ("`+good+`")`), ours, Error}, {newFake().txt(name, "TXT "+good), foreign, Error}, {elsewhere(`s1._domainkey\ IN\ TXT.` + domain), ours, Error}},
		"D210": {{elsewhere("s1.-domainkey." + domain), ours, Error}},
		"D211": {{elsewhere(`s1\ ._domainkey.` + domain), ours, Warning}},
		"D301": {{newFake().txt(name, strings.ReplaceAll(good, ";", `\;`)), ours, Error}},
		"D302": {{newFake().txt(name, `"`+good+`"`), ours, Error}, {newFake().txt(name, good[:100]+`" "`+good[100:]), ours, Error}, {newFake().txt(name, "“"+good+"”"), foreign, Error}},
		"D303": {{newFake().txt(name, "v=DKIM1"), ours, Error}, {newFake().txt(name, "v=DKIM1"), foreign, Error}},
		"D304": {{newFake().txt(name, good[:255]), ours, Error}, {newFake().txt(name, good[:250]), foreign, Error}},
		"D305": {{newFake().txt(name, good[:200]+" "+good[200:]), ours, Note}},
		"D306": {{newFake().strings(name, good[200:], good[:200]), ours, Error}, {newFake().strings(name, good[:100], good[200:]), ours, Error}},
		"D307": {{newFake().txt(name, good[200:], good[:200]), ours, Error}, {newFake().txt(name, good[200:], good[:200]), foreign, Error}},
		"D308": {{newFake().txt(name, good, "v=spf1 -all"), ours, Error}, {newFake().txt(name, good, keys.other.PublicRecord()), foreign, Error}},
		"D309": {{newFake().txt(name, "v=DKIM1; k=rsa; p="+string(armourless(string(pem)))), ours, Error}, {newFake().txt(name, string(pem)), ours, Error}, {newFake().txt(name, string(pem)), foreign, Error}, {newFake().txt(name, good, string(pem)), ours, Error}, {newFake().txt(name, "v=DKIM1; k=ed25519; p="+seed), subject(keys.ed), Error}},
		"D310": {{newFake().txt(name, "v=DKIM1; k=rsa; p=-----BEGIN PUBLIC KEY-----"+p+"-----END PUBLIC KEY-----"), ours, Error}, {newFake().txt(name, "-----BEGIN PUBLIC KEY-----"+p), foreign, Error}},
		"D311": {{newFake().txt(name, "v=DKIM1; p="+strings.NewReplacer("+", "-", "/", "_").Replace(p)), ours, Error}, {newFake().txt(name, strings.ReplaceAll(good, "+", "&#43;")), ours, Error}, {newFake().txt(name, strings.ReplaceAll(good, ";", "&#59;")), foreign, Error}},
		"D312": {{newFake().txt(name, "v=DKIM1; n=\u00ad; p="+p), ours, Warning}, {newFake().txt(name, good[:100]+"\u200b"+good[100:]), ours, Error}, {newFake().strings(name, good, ""), ours, Warning}},
		"D313": {{newFake().txt(name, strings.ReplaceAll(good, "; p", " p")), ours, Error}, {newFake().txt(name, strings.ReplaceAll(good, "p=", "p:")), foreign, Error}, {newFake().txt(name, good+"; "+good[9:]), ours, Error}},
		"D314": {{newFake().txt(name, "k=rsa; v=DKIM1; p="+p), ours, Error}, {newFake().txt(name, "v=dkim1; p="+p), ours, Error}},
		"D315": {{newFake().txt(name, good+"; g=*"), ours, Note}},
		"D401": {{newFake().txt(name, good+"; t=y"), ours, Warning}},
		"D402": {{newFake().txt(name, keys.other.PublicRecord()), ours, Error}},
		"D403": {{newFake().txt(name, "v=DKIM1; p="), ours, Error}, {newFake().txt(name, "v=DKIM1; p="), foreign, Error}},
		"D404": {{newFake().txt(name, "v=DKIM1; k=rsa"), ours, Error}, {newFake().txt(name, "n=nothing"), foreign, Error}},
		"D405": {
			{newFake().txt(name, strings.Replace(keys.ed.PublicRecord(), "ed25519", "rsa", 1)), foreign, Error},
			{newFake().txt(name, strings.Replace(good, "rsa", "ed25519", 1)), ours, Error},
			{newFake().txt(name, strings.Replace(good, "rsa", "dsa", 1)), ours, Error},
		},
		"D406": {{newFake().txt(name, spki), subject(keys.ed), Error}},
		"D407": {{newFake().txt(name, "v=DKIM1; p="+pkcs1Text(keys.rsa.Public())), ours, Note}},
		"D408": {{newFake().txt(name, good+"; s=other"), ours, Error}},
		"D409": {{newFake().txt(name, good+"; h=sha1"), foreign, Error}},
		"D410": {{newFake().txt(name, good+"; t=s"), strange(func(s *Subject) { s.SubDomains = true }), Warning}},
		"D411": {{newFake().txt(name, keys.small.PublicRecord()), subject(keys.small), Warning}, {newFake().txt(name, tinyRecord), foreign, Error}, {newFake().txt(name, withExponent(3)), foreign, Warning}, {newFake().txt(name, withExponent(1)), foreign, Error}, {newFake().txt(name, withExponent(65536)), foreign, Error}},
		"D413": {{newFake().txt(name, good), strange(func(s *Subject) { s.SharedWith = []string{"other.test"} }), Warning}},
		"D414": {{newFake().txt(name, good), strange(func(s *Subject) { s.Signer = keys.other }), Error}},
		"D501": {{newFake().txt(name, keys.other.PublicRecord()), alias, Error}, {newFake().txt(name, good).txt(target, good+";"), alias, Warning}},
		"D502": {{newFake().txt(name, target+"."), alias, Error}},
		"D503": {{newFake().txt(name, good).txt(target, good), alias, Warning}, {newFake().add(name, authority.A, "192.0.2.7"), alias, Error}},
		"D504": {{behind(target).txt(target, good), slots(false), Error}, {behind(target).txt(target, good), slots(true), Warning}},
		"D505": {{newFake().txt(name, good).add("_domainkey."+domain, authority.NS, "ns.other.test"), ours, Warning}},
		"D506": {{behind(target), alias, Error}, {behind("gone.test"), ours, Error}},
		"D507": {{behind("a.test").cname("a.test", name), ours, Error}},
		"D508": {{behind(target + "." + domain), alias, Error}},
		"D509": {{behind("s1.old.test"), func() Subject { s := alias; s.Former = []string{"old.test"}; return s }(), Error}},
		"D510": {{behind("s1.dkim.amazonses.com"), alias, Error}},
		"D511": {{newFake().cname(name, target).txt(name, good).txt(target, good), alias, Error}},
		"D512": {{behind(target).txt(target, "v=DKIM1; p="), func() Subject { s := alias; s.Gone = true; return s }(), Warning}},
		"D513": {{behind(target).txt(target, good, keys.other.PublicRecord()), alias, Warning}},
		"D601": {{newFake().ttl(name, good, time.Second), ours, Warning}, {newFake().ttl(name, good, 48*time.Hour), ours, Warning}},
		"D602": {{newFake(), ours, Note}},
	}
}

// seedOf is a private Ed25519 key as dkimpy writes it: base64 of what a PKCS#8 file ends with.
func seedOf(key *dkim.PrivateKey) string {
	text, _ := key.PEM()
	block, _ := pem.Decode(text)
	return base64.StdEncoding.EncodeToString(block.Bytes[len(block.Bytes)-32:])
}

// withExponent is the record of an RSA key that no program makes.
func withExponent(e int) string {
	public := *keys.rsa.Public().(*rsa.PublicKey)
	public.E = e
	return "v=DKIM1; k=rsa; p=" + keyText(&public)
}

type situation struct {
	dns      *fakeDNS
	subject  Subject
	severity Severity
}

func TestFindings(t *testing.T) {
	for code, all := range situations() {
		t.Run(code, func(t *testing.T) {
			for i, s := range all {
				r := run(t, s.dns, s.subject)
				f := has(t, r, code, s.severity)
				if !f.RetryAfter.After(now) {
					t.Errorf("situation %d does not say when to try again", i)
				}
				if s.severity == Error && r.Passed {
					t.Errorf("situation %d passed: %v", i, codes(r))
				}
				if t.Failed() {
					t.Logf("situation %d: %s %v %+v", i, r.Verdict, codes(r), f)
				}
			}
		})
	}
}

// What a wildcard gives at every name has not been published in the wrong place.
func TestWildcardIsNowhereElse(t *testing.T) {
	dns := newFake().txt("*."+domain, "v=DKIM1; p=damaged").txt("*._domainkey."+domain, "v=DKIM1; p=damaged")
	if r := run(t, dns, Subject{Domain: domain, Selector: "s1"}); !slices.Equal(codes(r), []string{"D208", "D602"}) {
		t.Errorf("%v", codes(r))
	}
}

// Nothing tells a stranger's Ed25519 seed from a public key, with blanks in it or without.
func TestBlanksMakeNoPrivateKey(t *testing.T) {
	ed := keys.ed.PublicRecord()
	for what, dns := range map[string]*fakeDNS{
		"several":      newFake().txt(name, ed[:40]+" "+ed[40:], "v=spf1 -all"),
		"another kind": newFake().txt(name, strings.Replace(ed[:40]+" "+ed[40:], "ed25519", "rsa", 1)),
	} {
		if r := run(t, dns, Subject{Domain: domain, Selector: "s1"}); slices.Contains(codes(r), "D309") {
			t.Errorf("%s: %v", what, codes(r))
		}
	}
}

// halfDead is a zone whose first server gives no answer.
type halfDead struct{ *fakeDNS }

func (h halfDead) Follow(ctx context.Context, name string) authority.Chain {
	chain := h.fakeDNS.Follow(ctx, name)
	chain.Hops[0].Answers[0] = authority.Answer{Server: "ns1.hoster.test", Address: "192.0.2.1:53", Status: authority.TimedOut, Detail: "no answer within 2s"}
	return chain
}

// A wildcard is seen, and a TTL, whichever of the servers answers.
func TestFirstServerIsSilent(t *testing.T) {
	for code, s := range map[string]situation{
		"D207": {newFake().txt(name, keys.rsa.PublicRecord()).txt("*._domainkey."+domain, keys.rsa.PublicRecord()), subject(keys.rsa), Warning},
		"D208": {newFake().txt("*._domainkey."+domain, "v=spf1 -all"), subject(keys.rsa), Error},
	} {
		e := &Engine{Authority: halfDead{s.dns}, Now: func() time.Time { return now }}
		has(t, e.Check(context.Background(), s.subject), code, s.severity)
	}
	e := &Engine{Authority: halfDead{newFake().cname(name, "other.test").txt("other.test", "x")}, Now: func() time.Time { return now }}
	if f := has(t, e.Check(context.Background(), aliased(keys.rsa)), "D510", Error); f.RetryAfter != now.Add(time.Hour) {
		t.Errorf("again after %v", f.RetryAfter)
	}
}

// Codes that other tests produce, by their names.
var elsewhere = []string{"D103", "D104", "D105", "D106", "D107", "D108", "D109", "D110", "D603", "D604", "D605", "D606"}

// Each row of the file is produced by a test.
func TestEveryFindingIsProduced(t *testing.T) {
	all := situations()
	for _, kind := range Kinds() {
		if _, ok := all[kind.Code]; !ok && !slices.Contains(elsewhere, kind.Code) {
			t.Errorf("no test produces %s", kind.Code)
		}
	}
}

// D309 is about our key (ruling 34); somebody else's private key is something else that is wrong.
func TestAnotherPrivateKey(t *testing.T) {
	pem, err := keys.other.PEM()
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, newFake().txt(name, "v=DKIM1; k=rsa; p="+string(armourless(string(pem)))), subject(keys.rsa))
	if slices.Contains(codes(r), "D309") || r.Verdict != Malformed {
		t.Errorf("%s %v", r.Verdict, codes(r))
	}
}

// While anything is an error, the resolver is left alone.
func TestMissingSlotLeavesTheResolverAlone(t *testing.T) {
	s := aliased(keys.rsa)
	s.Slots = []Slot{{"s2", "s2." + target}}
	resolver := newFake()
	e := &Engine{Authority: newFake().cname(name, target).txt(target, keys.rsa.PublicRecord()), Resolver: resolver}
	if r := e.Check(context.Background(), s); r.Passed || resolver.asked != nil {
		t.Errorf("%v; the resolver was asked %v", codes(r), resolver.asked)
	}
}

// What is wrong with the record itself is told before what is wrong with the other names.
func TestOwnRecordBeforeOtherSlots(t *testing.T) {
	s := aliased(keys.rsa)
	s.Slots = []Slot{{"s2", "s2." + target}}
	if r := run(t, newFake(), s); !slices.Equal(codes(r), []string{"D101", "D504", "D602"}) {
		t.Errorf("%v", codes(r))
	}
}

// A correct record has none of the findings that the situations produce, be it ours, with a CNAME or foreign.
func TestNoFindings(t *testing.T) {
	good := keys.rsa.PublicRecord()
	for name, s := range map[string]situation{
		"ours":    {dns: newFake().txt(name, good), subject: subject(keys.rsa)},
		"foreign": {dns: newFake().txt(name, keys.ed.PublicRecord()), subject: Subject{Domain: domain, Selector: "s1"}},
		"alias":   {dns: newFake().cname(name, target).txt(target, good), subject: aliased(keys.rsa)},
		"slots": {dns: newFake().cname(name, target).txt(target, good).cname("s2._domainkey."+domain, "s2."+target), subject: func() Subject {
			s := aliased(keys.rsa)
			s.Slots = []Slot{{"s2", "s2." + target}}
			return s
		}()},
	} {
		if r := run(t, s.dns, s.subject); !r.Passed || len(r.Findings) > 0 {
			t.Errorf("%s: %v", name, r.Findings)
		}
	}
}

func TestServers(t *testing.T) {
	good := keys.rsa.PublicRecord()
	answer := func(status authority.Status, rcode string) func(string, authority.Answer) authority.Answer {
		return func(_ string, a authority.Answer) authority.Answer {
			a.Status, a.Rcode, a.Records = status, rcode, nil
			return a
		}
	}
	for _, tt := range []struct {
		code   string
		change func(string, authority.Answer) authority.Answer
	}{
		{"D103", answer(authority.Failed, "SERVFAIL")},
		{"D104", answer(authority.TimedOut, "")},
		{"D104", answer(authority.Refused, "REFUSED")},
		{"D104", answer(authority.Lame, "NOERROR")},
	} {
		t.Run(tt.code, func(t *testing.T) {
			e := &Engine{Authority: failing{newFake().txt(name, good), tt.change}}
			if r := e.Check(context.Background(), subject(keys.rsa)); r.Verdict != Temporary {
				t.Errorf("all servers: %s", r.Verdict)
			} else {
				has(t, r, tt.code, Unsettled)
			}
			one := newFake().txt(name, good)
			one.second = tt.change
			r := run(t, one, subject(keys.rsa))
			has(t, r, tt.code, Warning)
			if !r.Passed {
				t.Error("one of two servers keeps the key from being verified")
			}
		})
	}
}

// What the resolvers say once the authoritative servers have the record.
func TestResolvers(t *testing.T) {
	good := keys.rsa.PublicRecord()
	check := func(e *Engine) Result {
		e.Authority = newFake().txt(name, good)
		return e.Check(context.Background(), subject(keys.rsa))
	}
	t.Run("D107", func(t *testing.T) { has(t, check(&Engine{Resolver: newFake()}), "D107", Warning) })
	t.Run("D110", func(t *testing.T) {
		r := check(&Engine{Resolver: newFake().txt(name, good), Public: newFake()})
		if has(t, r, "D110", Error); r.Passed || r.Verdict != Absent {
			t.Errorf("%v %s", r.Passed, r.Verdict)
		}
	})
	t.Run("D605", func(t *testing.T) {
		servfail := func(_ string, a authority.Answer) authority.Answer {
			a.Status, a.Rcode, a.Records = authority.Failed, "SERVFAIL", nil
			return a
		}
		if r := check(&Engine{Resolver: bogus{failing{newFake(), servfail}}}); !r.Passed {
			t.Errorf("%v", r.Findings)
		} else {
			has(t, r, "D605", Warning)
		}
	})
	t.Run("D606", func(t *testing.T) {
		resolver := newFake().txt(name, good).add("*."+domain, authority.A, "192.0.2.80")
		has(t, check(&Engine{Resolver: resolver}), "D606", Warning)
	})
}

// bogus is a resolver that has an answer unless it validates.
type bogus struct{ failing }

func (bogus) Unchecked(context.Context, string) bool { return true }

func TestLongNegativeTTL(t *testing.T) {
	t.Run("D108", func(t *testing.T) {
		e := &Engine{Authority: slow{newFake().txt(name, keys.rsa.PublicRecord())}}
		r := e.Check(context.Background(), subject(keys.rsa))
		has(t, r, "D108", Note)
		has(t, r, "D603", Warning)
		if f := has(t, r, "D604", Warning); !r.Passed || !strings.Contains(f.Got, "ns1.hoster.test") {
			t.Errorf("%v %s", r.Passed, f.Got)
		}
	})
}

// slow is a zone with a long negative TTL, and both of its servers in one network without TCP.
type slow struct{ *fakeDNS }

func (s slow) Locate(ctx context.Context, domain string) (authority.Zone, error) {
	z, err := s.fakeDNS.Locate(ctx, domain)
	z.Start.TTL, z.Start.Minimum = 24*time.Hour, 24*time.Hour
	for i := range z.Hop.Answers {
		z.Hop.Answers[i].Address = "192.0.2.1:53"
	}
	return z, err
}

func (s slow) Follow(ctx context.Context, name string) authority.Chain {
	chain := s.fakeDNS.Follow(ctx, name)
	for i := range chain.Hops[0].Answers {
		chain.Hops[0].Answers[i].Size = 600
	}
	return chain
}

func (slow) AskTCP(_ context.Context, hop authority.Hop) []authority.Answer {
	a := hop.Answers[0]
	a.Status, a.Detail = authority.TimedOut, "connection refused"
	return []authority.Answer{a}
}

func TestKnownKey(t *testing.T) {
	s := strange(func(s *Subject) {
		s.Known = func(print string) string {
			if print == Fingerprint(keys.other.Public()) {
				return "your key s0, retired 2026-05-01"
			}
			return ""
		}
	})
	if f := has(t, run(t, newFake().txt(name, keys.other.PublicRecord()), s), "D402", Error); !strings.Contains(f.Got, "your key s0") {
		t.Errorf("%s", f.Got)
	}
}

func TestText(t *testing.T) {
	e := &Engine{Now: func() time.Time { return now }}
	for text, want := range map[string][]string{
		keys.rsa.PublicRecord():       nil,
		`v=DKIM1\; k=rsa\; p=AAAA`:    {"D301"},
		"v=DKIM1; p=":                 {"D403"},
		keys.other.PublicRecord():     {"D402"},
		"-----BEGIN PUBLIC KEY-----x": {"D310"},
	} {
		r := e.Text(context.Background(), subject(keys.rsa), text)
		if !slices.Equal(codes(r), want) || r.Passed != (want == nil) {
			t.Errorf("%.30q: %v, want %v", text, codes(r), want)
		}
	}
}

// What stands in DNS is a stranger's: nothing in it may drive a terminal.
func TestTextsArePrintable(t *testing.T) {
	evil := "v=DKIM1; k=\x1b[31m\u202e{name}; p=\x07" + strings.Repeat("A", 5000)
	for _, dns := range []*fakeDNS{newFake().txt(name, evil), newFake().txt(name, evil, evil+"x"), newFake().cname(name, "a\x1b.test")} {
		for _, f := range run(t, dns, subject(keys.rsa)).Findings {
			for _, text := range []string{f.Asked, f.Got, f.Expected, f.Change} {
				if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u202e' }) || len(text) > 4000 {
					t.Errorf("%s: %q", f.Code, text)
				}
			}
		}
	}
}
