package check

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns/authority"
)

// FuzzRecord puts any text into DNS, in strings of any length: it never passes with a key that is not ours, something is said whenever it does
// not pass, and nothing of it gets to a terminal as it is.
func FuzzRecord(f *testing.F) {
	record := keys.rsa.PublicRecord()
	f.Add(record, 255)
	f.Add(record[:255], 100)
	f.Add(`"`+strings.ReplaceAll(record, ";", `\;`)+`"`, 250)
	f.Add("v=DKIM1; k=ed25519; p="+keyText(keys.ed.Public()), 10)
	f.Add("v=DKIM1; p=-----BEGIN PUBLIC KEY-----\xff\u00ad", 3)
	f.Add("s1._domainkey IN TXT (\"v=DKIM1; p=&#43;\")", 7)
	f.Fuzz(func(t *testing.T, text string, size int) {
		var pieces []string
		for rest := text; rest != "" && len(pieces) < 8; {
			n := min(max(size, 1), 255, len(rest))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		text = strings.Join(pieces, "")
		dns := newFake()
		dns.records[name] = []authority.Record{{Type: authority.TXT, TTL: time.Hour, Strings: pieces}}
		e := &Engine{Authority: dns, Now: func() time.Time { return now }}
		r := e.Check(context.Background(), subject(keys.rsa))
		parsed, err := dkim.ParseKeyRecord(text)
		ours := err == nil && parsed.Public != nil && parsed.Public.Equal(keys.rsa.Public())
		if r.Passed && !ours || !r.Passed && len(r.Findings) == 0 {
			t.Fatalf("%q: %+v", text, r)
		}
		if !r.Passed && !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity == Error || f.Severity == Unsettled }) {
			t.Fatalf("%q: nothing says why it did not pass: %v", text, codes(r))
		}
		for _, f := range r.Findings {
			if strings.ContainsFunc(f.Asked+f.Got, func(r rune) bool { return r < ' ' || r >= 0x7f && !strings.ContainsRune("…→", r) }) {
				t.Fatalf("%q in %s", f.Got, f.Code)
			}
		}
	})
}
