package dkim

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestTXTStrings(t *testing.T) {
	for _, n := range []int{0, 1, 254, 255, 256, 510, 511, 2000} {
		record := strings.Repeat("x", n)
		parts := TXTStrings(record)
		if strings.Join(parts, "") != record {
			t.Errorf("%d octets do not join to the same", n)
		}
		if want := max(1, (n+254)/255); len(parts) != want {
			t.Errorf("%d octets: %d strings, want %d", n, len(parts), want)
		}
		for _, p := range parts {
			if len(p) > 255 {
				t.Errorf("%d octets: a string of %d", n, len(p))
			}
		}
	}
}

// A name server's parser must read back what we print.
func TestZoneFormsReadBack(t *testing.T) {
	for name, record := range map[string]string{
		"Ed25519":             generate(t, Ed25519SHA256, 0).PublicRecord(),
		"RSA 2048":            generate(t, RSASHA256, 2048).PublicRecord(),
		"quote and backslash": `v=DKIM1; n="a\b"; p=`,
		"empty":               "",
	} {
		for form, text := range map[string]string{
			"ZoneLines": ZoneLines("mail", "example.com", record, time.Hour),
			"OneLine":   OneLine("mail", "example.com", record, time.Hour),
		} {
			t.Run(name+" "+form, func(t *testing.T) {
				if form == "OneLine" && strings.Count(text, "\n") != 1 {
					t.Errorf("more than a line: %s", text)
				}
				rr, err := dns.NewRR(text)
				if err != nil {
					t.Fatalf("%v in %s", err, text)
				}
				txt, ok := rr.(*dns.TXT)
				if !ok || txt.Hdr.Name != "mail._domainkey.example.com." || txt.Hdr.Ttl != 3600 {
					t.Fatalf("read back as %v", rr)
				}
				// miekg/dns keeps the escapes of the presentation form.
				got := strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(strings.Join(txt.Txt, ""))
				if got != record {
					t.Errorf("read back %q, want %q", got, record)
				}
			})
		}
	}
}
