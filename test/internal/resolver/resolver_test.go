package resolver

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/postseal/postseal/test/internal/faultydns"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/zones"
)

func TestMain(m *testing.M) { sandbox.Main(m) }

// The stories rest on this: what is signed is told from what is not, and faults arrive as faults.
func TestResolverTellsSecureFromInsecureAndBogus(t *testing.T) {
	const authority, faulty = "127.7.0.54", "127.7.0.55"
	text := "v=DKIM1; p=" + strings.Repeat("A", 1600)
	knot, err := zones.Start(filepath.Join(sandbox.Dir(), "zones"), authority, []zones.Zone{
		{Name: "plain.test", Records: "k " + zones.TXT(text) + "\nchain CNAME k.signed.test."},
		{Name: "signed.test", Trust: zones.Secure, Records: "k " + zones.TXT(text)},
		{Name: "bogus.test", Trust: zones.Bogus, Records: "k " + zones.TXT(text)},
		{Name: "fault.test", Trust: zones.Delegated},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := faultydns.Start(faulty, "fault.test", text); err != nil {
		t.Fatal(err)
	}
	unbound, err := Start(Config{
		Dir: filepath.Join(sandbox.Dir(), "resolver"), Address: sandbox.Resolver, Root: authority, Anchor: knot.Anchor,
		Others: map[string]string{"fault.test": faulty},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		rcode int
		ad    bool
	}{
		"k.plain.test":          {dns.RcodeSuccess, false},
		"chain.plain.test":      {dns.RcodeSuccess, false},
		"k.signed.test":         {dns.RcodeSuccess, true},
		"nothing.signed.test":   {dns.RcodeNameError, true},
		"k.bogus.test":          {dns.RcodeServerFailure, false},
		"k.elsewhere.test":      {dns.RcodeNameError, true},
		"k.well.fault.test":     {dns.RcodeSuccess, false},
		"k.servfail.fault.test": {dns.RcodeServerFailure, false},
	} {
		question := new(dns.Msg).SetQuestion(name+".", dns.TypeTXT)
		question.AuthenticatedData = true
		answer, _, err := (&dns.Client{Net: "tcp", Timeout: 20 * time.Second}).Exchange(question, sandbox.Resolver+":53")
		switch {
		case err != nil:
			t.Errorf("%s: %v\n%s", name, err, unbound.Log())
		case answer.Rcode != want.rcode || answer.AuthenticatedData != want.ad:
			t.Errorf("%s: want %+v, have %v\n%s", name, want, answer, unbound.Log())
		}
	}
}
