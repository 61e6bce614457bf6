package check

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns/authority"
)

const (
	domain = "example.test"
	name   = "s1._domainkey.example.test"
)

// now is the time in all tests.
var now = time.Date(2026, 11, 21, 20, 54, 30, 0, time.UTC)

// fakeDNS is a Source with two servers that have the same records, unless a test says otherwise of the second.
type fakeDNS struct {
	zone    string
	records map[string][]authority.Record // by name
	second  func(name string, a authority.Answer) authority.Answer
	err     error // of Locate

	mu    sync.Mutex
	asked []string
}

func newFake() *fakeDNS {
	return &fakeDNS{zone: domain, records: map[string][]authority.Record{}}
}

func (f *fakeDNS) txt(name string, texts ...string) *fakeDNS {
	for _, text := range texts {
		f.records[name] = append(f.records[name], authority.Record{Type: authority.TXT, TTL: time.Hour, Strings: dkim.TXTStrings(text)})
	}
	return f
}

func (f *fakeDNS) strings(name string, strings ...string) *fakeDNS {
	f.records[name] = append(f.records[name], authority.Record{Type: authority.TXT, TTL: time.Hour, Strings: strings})
	return f
}

func (f *fakeDNS) cname(name, target string) *fakeDNS {
	f.records[name] = append(f.records[name], authority.Record{Type: authority.CNAME, TTL: time.Hour, Target: target})
	return f
}

func (f *fakeDNS) add(name string, t authority.Type, target string) *fakeDNS {
	f.records[name] = append(f.records[name], authority.Record{Type: t, TTL: time.Hour, Target: target})
	return f
}

// answer is that of the first server.
func (f *fakeDNS) answer(name string, t authority.Type) authority.Answer {
	f.mu.Lock()
	f.asked = append(f.asked, t.String()+" "+name)
	f.mu.Unlock()
	a := authority.Answer{Server: "ns1.hoster.test", Address: "192.0.2.1:53", Rcode: "NOERROR", Status: authority.NXDomain, Size: 300}
	all, ok := f.records[name]
	if wild, found := f.records["*."+name[strings.IndexByte(name, '.')+1:]]; !ok && found {
		all, ok = wild, true
	}
	for other := range f.records {
		ok = ok || strings.HasSuffix(other, "."+name)
	}
	if ok {
		a.Status = authority.NoData
	}
	for _, r := range all {
		if r.Type == t || r.Type == authority.CNAME {
			a.Records = append(a.Records, r)
			a.Status = authority.Found
		}
	}
	if a.Status != authority.Found {
		a.NegativeTTL = 10 * time.Minute
	}
	return a
}

func (f *fakeDNS) Ask(_ context.Context, name string, t authority.Type) authority.Hop {
	first := f.answer(name, t)
	other := first
	other.Server, other.Address = "ns2.hoster.test", "198.51.100.1:53"
	if f.second != nil {
		other = f.second(name, other)
	}
	return authority.Hop{Name: name, Type: t, Zone: f.zone, NameServers: []string{"ns1.hoster.test", "ns2.hoster.test"}, Answers: []authority.Answer{first, other}}
}

func (f *fakeDNS) Peek(_ context.Context, name string, t authority.Type) authority.Answer {
	return f.answer(name, t)
}

func (f *fakeDNS) Follow(ctx context.Context, name string) authority.Chain {
	chain := authority.Chain{}
	for {
		hop := f.Ask(ctx, name, authority.TXT)
		chain.Hops = append(chain.Hops, hop)
		next := hop.Alias()
		if next == "" || len(chain.Hops) > 9 {
			chain.Loop = next != ""
			return chain
		}
		name = next
	}
}

func (f *fakeDNS) Locate(ctx context.Context, domain string) (authority.Zone, error) {
	hop := f.Ask(ctx, domain, authority.SOA)
	start := &authority.Start{Zone: f.zone, Serial: 7, Refresh: time.Hour, TTL: time.Hour, Minimum: 10 * time.Minute}
	return authority.Zone{Name: f.zone, NameServers: hop.NameServers, Start: start, Hop: hop}, f.err
}

// keys are made once: they are slow to make.
var keys = struct {
	rsa, other, small, ed *dkim.PrivateKey
}{}

func TestMain(m *testing.M) {
	make := func(a dkim.Algorithm, bits int) *dkim.PrivateKey {
		key, err := dkim.Generate(a, bits)
		if err != nil {
			panic(err)
		}
		return key
	}
	for keys.rsa == nil || !strings.Contains(keyText(keys.rsa.Public()), "+") { // what forms and programs stumble on
		keys.rsa = make(dkim.RSASHA256, 2048)
	}
	keys.other = make(dkim.RSASHA256, 2048)
	keys.small, keys.ed = make(dkim.RSASHA256, 1024), make(dkim.Ed25519SHA256, 0)
	m.Run()
}

// subject is a key of ours at name.
func subject(key *dkim.PrivateKey) Subject {
	return Subject{Domain: domain, Selector: "s1", Public: key.Public(), Signer: key}
}

func run(t *testing.T, dns *fakeDNS, s Subject) Result {
	t.Helper()
	e := &Engine{Authority: dns, Resolver: dns, Now: func() time.Time { return now }}
	return e.Check(context.Background(), s)
}

func codes(r Result) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, f.Code)
	}
	return out
}

// has fails the test unless the result has that finding, with all four texts filled in.
func has(t *testing.T, r Result, code string, s Severity) Finding {
	t.Helper()
	i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Code == code })
	if i < 0 {
		t.Fatalf("%v, want %s", codes(r), code)
	}
	f := r.Findings[i]
	if f.Severity != s {
		t.Errorf("%s is %q, want %q", code, f.Severity, s)
	}
	for _, text := range []string{f.Title, f.Asked, f.Got, f.Expected, f.Change} {
		if text == "" || strings.ContainsAny(text, "{}") {
			t.Errorf("%s has a text without its facts: %q", code, text)
		}
	}
	if (s == Error || s == Unsettled) && !f.RetryAfter.After(r.At) {
		t.Errorf("%s does not say when to try again", code)
	}
	return f
}

// pkcs1Text is p= of an RSA key as PKCS#1.
func pkcs1Text(public any) string {
	return base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(public.(*rsa.PublicKey)))
}

type ed25519Key = ed25519.PublicKey

func (f *fakeDNS) ttl(name, text string, ttl time.Duration) *fakeDNS {
	f.txt(name, text)
	f.records[name][0].TTL = ttl
	return f
}

// tinyRecord has an RSA key of 512 bits, made with openssl and thrown away: Go makes none.
const tinyRecord = "v=DKIM1; k=rsa; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKxxOb06ON29iXMSIPQsJmDmx1V1wX3lwt9ch9pXXyJqNajU8e2TzzyIogOs34LIGd6ATNBZNVumx/yhI4pxP38CAwEAAQ=="
