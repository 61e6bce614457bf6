package check

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/dns/authority"
)

// What a key needs to pass one check, and that nothing else lets it through.
func TestCriterion(t *testing.T) {
	record := keys.rsa.PublicRecord()
	bare := strings.Replace(record, keyText(keys.rsa.Public()), pkcs1Text(keys.rsa.Public()), 1)
	silentSecond := func(_ string, a authority.Answer) authority.Answer {
		return authority.Answer{Server: a.Server, Address: a.Address, Status: authority.TimedOut, Detail: "no answer within 2s"}
	}
	only := func(at string, change func(a authority.Answer) authority.Answer) func(string, authority.Answer) authority.Answer {
		return func(name string, a authority.Answer) authority.Answer {
			if name == at {
				return change(a)
			}
			return a
		}
	}
	missing := func(a authority.Answer) authority.Answer {
		a.Status, a.Records = authority.NXDomain, nil
		return a
	}
	tests := []struct {
		name    string
		dns     *fakeDNS
		passed  bool
		verdict Verdict
		codes   []string
	}{
		{"the record", newFake().txt(name, record), true, OK, nil},
		{"in other words", newFake().txt(name, "v=DKIM1;k=RSA;n=x;p="+keyText(keys.rsa.Public())+";"), true, OK, nil},
		{"as PKCS#1", newFake().txt(name, bare), true, OK, []string{"D407"}},
		{"nothing", newFake(), false, Absent, []string{"D101", "D602"}},
		{"another key", newFake().txt(name, keys.other.PublicRecord()), false, Mismatch, []string{"D402", "D602"}},
		{"revoked", newFake().txt(name, "v=DKIM1; k=rsa; p="), false, Revoked, []string{"D403", "D602"}},
		{"broken", newFake().txt(name, "v=DKIM1; k=rsa; p=####"), false, Malformed, []string{"D313", "D602"}},
		{"for another service", newFake().txt(name, record+"; s=other"), false, Malformed, []string{"D408", "D602"}},
		{"for SHA-1", newFake().txt(name, record+"; h=sha1"), false, Malformed, []string{"D409", "D602"}},
		{"a test", newFake().txt(name, record+"; t=y"), true, Testing, []string{"D401"}},
		{"two records", newFake().txt(name, record, "v=spf1 -all"), false, Duplicate, []string{"D308", "D602"}},
		{"one server is silent", func() *fakeDNS { f := newFake().txt(name, record); f.second = silentSecond; return f }(), true, OK, []string{"D104"}},
		{"one server lacks it", func() *fakeDNS { f := newFake().txt(name, record); f.second = only(name, missing); return f }(), false, Inconsistent, []string{"D106"}},
		{"one server has another key", func() *fakeDNS {
			f := newFake().txt(name, record)
			f.second = only(name, func(a authority.Answer) authority.Answer {
				a.Records = newFake().txt(name, keys.other.PublicRecord()).records[name]
				return a
			})
			return f
		}(), false, Inconsistent, []string{"D106"}},
		{"behind a CNAME", newFake().cname(name, "k1.example.test").txt("k1.example.test", record), true, OK, nil},
		{"behind a CNAME that leads nowhere", newFake().cname(name, "k1.example.test"), false, Absent, []string{"D506"}},
		{"the domain is gone", func() *fakeDNS { f := newFake(); f.err = &authority.NoDomainError{Domain: domain}; return f }(), false, Absent, []string{"D109"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := run(t, tt.dns, subject(keys.rsa))
			if r.Passed != tt.passed || r.Verdict != tt.verdict || !slices.Equal(codes(r), tt.codes) {
				t.Errorf("passed %v, %s %v; want %v, %s %v", r.Passed, r.Verdict, codes(r), tt.passed, tt.verdict, tt.codes)
			}
			for _, f := range r.Findings {
				has(t, r, f.Code, f.Severity)
			}
		})
	}
	t.Run("no server answers", func(t *testing.T) {
		fails := func(_ string, a authority.Answer) authority.Answer {
			a.Status, a.Rcode, a.Records = authority.Failed, "SERVFAIL", nil
			return a
		}
		e := &Engine{Authority: failing{newFake(), fails}, Now: func() time.Time { return now }}
		r := e.Check(context.Background(), subject(keys.rsa))
		if r.Passed || r.Verdict != Temporary || !slices.Equal(codes(r), []string{"D103"}) {
			t.Errorf("%+v", r)
		}
	})
}

// failing changes the answers of all servers.
type failing struct {
	*fakeDNS
	change func(string, authority.Answer) authority.Answer
}

func (f failing) Follow(ctx context.Context, name string) authority.Chain {
	chain := f.fakeDNS.Follow(ctx, name)
	for _, hop := range chain.Hops {
		for i, a := range hop.Answers {
			hop.Answers[i] = f.change(name, a)
		}
	}
	return chain
}

// A key that equals ours is not enough: the private half that signs must belong to it.
func TestProbe(t *testing.T) {
	s := subject(keys.rsa)
	s.Signer = keys.other
	r := run(t, newFake().txt(name, keys.rsa.PublicRecord()), s)
	if f := has(t, r, "D414", Error); r.Passed || r.Verdict != Malformed || !strings.Contains(f.Got, "fail signature") {
		t.Errorf("%v %s: %s", r.Passed, r.Verdict, f.Got)
	}
	s = subject(keys.ed)
	if r := run(t, newFake().txt(name, keys.ed.PublicRecord()), s); !r.Passed {
		t.Errorf("Ed25519: %v", r.Findings)
	}
}

// Before the authoritative servers have the record nobody asks the resolver: it would remember the absence.
func TestResolverIsAskedLast(t *testing.T) {
	resolver := newFake()
	ask := func(dns *fakeDNS) Result {
		e := &Engine{Authority: dns, Resolver: resolver, Now: func() time.Time { return now }}
		return e.Check(context.Background(), subject(keys.rsa))
	}
	for _, dns := range []*fakeDNS{newFake(), newFake().txt(name, "v=DKIM1; p="), newFake().txt(name, keys.other.PublicRecord())} {
		if r := ask(dns); r.Passed || resolver.asked != nil {
			t.Errorf("%s: the resolver was asked %q", r.Verdict, resolver.asked)
		}
	}
	r := ask(newFake().txt(name, keys.rsa.PublicRecord()))
	if f := has(t, r, "D107", Warning); !r.Passed || r.Verdict != OK || !strings.Contains(f.Got, "NXDOMAIN") || !f.RetryAfter.Equal(now.Add(10*time.Minute)) {
		t.Errorf("%v %s %+v", r.Passed, r.Verdict, f)
	}
}

func TestViaResolver(t *testing.T) {
	s := subject(keys.rsa)
	s.Via = Resolver
	authoritative, resolver := newFake(), newFake().txt(name, keys.rsa.PublicRecord())
	e := &Engine{Authority: authoritative, Resolver: resolver}
	if r := e.Check(context.Background(), s); !r.Passed || r.Source != Resolver || authoritative.asked != nil {
		t.Errorf("%+v; the authority was asked %v", r, authoritative.asked)
	}
	if want := []string{"SOA example.test", "TXT " + name}; !slices.Equal(resolver.asked, want) {
		t.Errorf("an hourly check asked %q", resolver.asked)
	}
	closed := &Engine{Resolver: resolver}
	if r := closed.Check(context.Background(), subject(keys.rsa)); !r.Passed || r.Source != Resolver {
		t.Errorf("with port 53 closed: %+v", r)
	}
}

func TestTimes(t *testing.T) {
	r := run(t, newFake(), subject(keys.rsa))
	if r.NegativeTTL != 10*time.Minute || !r.RetryAfter.Equal(now.Add(10*time.Minute)) || r.TTL != 0 || !r.At.Equal(now) {
		t.Errorf("absent: %+v", r)
	}
	r = run(t, newFake().txt(name, keys.other.PublicRecord()), subject(keys.rsa))
	if r.TTL != time.Hour || !r.RetryAfter.Equal(now.Add(time.Hour)) || !slices.Equal(r.Records, []string{keys.other.PublicRecord()}) {
		t.Errorf("mismatch: %+v", r)
	}
	if r.Fingerprint != Fingerprint(keys.other.Public()) || r.Bits != 2048 {
		t.Errorf("%s, %d bits", r.Fingerprint, r.Bits)
	}
}

func TestVacant(t *testing.T) {
	for text, want := range map[string][]string{
		"":                        nil,
		"v=spf1 -all":             nil, // no key record (ruling 33)
		"v=DKIM1; p=":             {"D105"},
		keys.other.PublicRecord(): {"D105"},
	} {
		dns := newFake()
		if text != "" {
			dns.txt(name, text)
		}
		e := &Engine{Authority: dns, Now: func() time.Time { return now }}
		r := e.Vacant(context.Background(), Subject{Domain: domain, Selector: "s1"})
		if !slices.Equal(codes(r), want) || (r.Verdict == OK) != (want == nil) {
			t.Errorf("%.20q: %s %v, want %v", text, r.Verdict, codes(r), want)
		}
	}
}

// Where only a resolver can be asked nobody is: it would remember that the name does not
// exist yet.
func TestVacantAsksNoResolver(t *testing.T) {
	dns := newFake().txt(name, keys.other.PublicRecord())
	e := &Engine{Resolver: dns, Now: func() time.Time { return now }}
	if r := e.Vacant(context.Background(), Subject{Domain: domain, Selector: "s1", Via: Resolver}); r.Verdict != Temporary || r.Passed || len(dns.asked) != 0 {
		t.Errorf("%s, passed %v, asked %q", r.Verdict, r.Passed, dns.asked)
	}
}

// A key that receivers find by another way than the one agreed on works today and has not passed.
func TestDetourDoesNotPass(t *testing.T) {
	good := keys.rsa.PublicRecord()
	for code, dns := range map[string]*fakeDNS{
		"D501": newFake().txt(name, good).txt(target, good+";"),
		"D503": newFake().txt(name, good).txt(target, good),
	} {
		r := run(t, dns, aliased(keys.rsa))
		if has(t, r, code, Warning); r.Passed || r.Verdict != OK {
			t.Errorf("%s: passed %v, %s", code, r.Passed, r.Verdict)
		}
	}
}

// A time of another day has its date: absence that is remembered for a day would seem to be over at once.
func TestRetryOfAnotherDay(t *testing.T) {
	for wait, want := range map[time.Duration]string{time.Minute: "15:04:05 MST", 24 * time.Hour: "2006-01-02 15:04:05 MST", 365 * 24 * time.Hour: "2006-01-02 15:04:05 MST"} {
		r := Result{At: now, RetryAfter: now.Add(wait)}
		if got := r.Retry(); got != r.RetryAfter.Local().Format(want) {
			t.Errorf("in %v: %s", wait, got)
		}
	}
	if got := new(Result).Retry(); got != "" {
		t.Errorf("nothing to wait for: %q", got)
	}
}

// What systems of the mission promise their users, by the numbers of their requirements.
func TestRequirements(t *testing.T) {
	record := keys.rsa.PublicRecord()
	t.Run("INF-26", func(t *testing.T) { // a record that is only in a resolver's cache is not live
		resolver := newFake().txt(name, record)
		e := &Engine{Authority: newFake(), Resolver: resolver, Now: func() time.Time { return now }}
		if r := e.Check(context.Background(), subject(keys.rsa)); r.Passed || r.Verdict != Absent {
			t.Errorf("passed %v, %s", r.Passed, r.Verdict)
		}
	})
	t.Run("INF-27", func(t *testing.T) { // wait until the provider's TTL has passed
		f := has(t, run(t, newFake(), subject(keys.rsa)), "D602", Note)
		if until := now.Add(10 * time.Minute).Local().Format("15:04:05"); !strings.Contains(f.Change, "try again after "+until) {
			t.Errorf("%s", f.Change)
		}
	})
	t.Run("KAR-17", func(t *testing.T) { // the provider has added the domain by itself
		f := has(t, run(t, newFake().txt(name+"."+domain, record), subject(keys.rsa)), "D201", Error)
		if !strings.Contains(f.Got, name+"."+domain) || !strings.HasSuffix(f.Change, "set Name to s1._domainkey") {
			t.Errorf("%s; %s", f.Got, f.Change)
		}
	})
	t.Run("KAR-28", func(t *testing.T) { // no error without a message
		for _, dns := range []*fakeDNS{newFake(), newFake().txt(name, "?"), newFake().txt(name, keys.other.PublicRecord())} {
			if r := run(t, dns, subject(keys.rsa)); len(r.Findings) == 0 || r.Findings[0].Severity != Error || r.Findings[0].Change == "" {
				t.Errorf("%+v", r)
			}
		}
	})
	t.Run("MA-10", func(t *testing.T) { // the DNS does not accept a key of that length (ruling 34: D304)
		f := has(t, run(t, newFake().txt(name, record[:255]), subject(keys.rsa)), "D304", Error)
		if !strings.Contains(f.Got, "of 392 characters") {
			t.Errorf("%s", f.Got)
		}
	})
}
