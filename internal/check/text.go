package check

import (
	"cmp"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns/authority"
)

// Fingerprint names a public key, an *rsa.PublicKey or an ed25519.PublicKey, as dkim.Fingerprint does; "" for anything else.
func Fingerprint(key crypto.PublicKey) string {
	print := dkim.FingerprintOf(key)
	if print == (dkim.Fingerprint{}) {
		return ""
	}
	return print.String()
}

// describeKey names a key for people: "SHA256:9f3c2a51b0de… (rsa, 2048 bit)".
func describeKey(key crypto.PublicKey) string {
	const shown = len("SHA256:") + 16
	kind := "ed25519"
	if r, ok := key.(*rsa.PublicKey); ok {
		kind = fmt.Sprintf("rsa, %d bit", r.N.BitLen())
	}
	print := Fingerprint(key)
	return fmt.Sprintf("%s… (%s)", print[:min(shown, len(print))], kind)
}

// keyText is what p= should be for a key.
func keyText(key crypto.PublicKey) string {
	if ed, ok := key.(ed25519.PublicKey); ok {
		return base64.StdEncoding.EncodeToString(ed)
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(der)
}

// recordText is the plain record of a key.
func recordText(key crypto.PublicKey) string {
	kind := dkim.RSASHA256.KeyType()
	if _, ok := key.(ed25519.PublicKey); ok {
		kind = dkim.Ed25519SHA256.KeyType()
	}
	return "v=DKIM1; k=" + kind + "; p=" + keyText(key)
}

// quote shows a stranger's text: no more than a line and a half of it, and as it is but for what a terminal would interpret.
func quote(s string) string {
	const head, tail = 90, 24
	if len(s) > head+tail+8 {
		return `"` + printable(s[:head]) + `" … "` + printable(s[len(s)-tail:]) + `"`
	}
	return `"` + printable(s) + `"`
}

// short shows a record of ours, whose text is safe.
func short(record string) string {
	const most, head, tail = 80, 48, 12 // an Ed25519 record has 69
	if len(record) > most {
		return record[:head] + "…" + record[len(record)-tail:]
	}
	return record
}

// printable shows what may have any octets; those that are not ASCII, or that do not print, by their numbers.
func printable(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case ' ' <= r && r < 0x7f:
			b.WriteRune(r)
		case r == utf8.RuneError:
			fmt.Fprintf(&b, "<0x%02x>", s[i])
		default:
			fmt.Fprintf(&b, "<%U>", r)
		}
	}
	return b.String()
}

// maxListed bounds the lists in a text.
const maxListed = 6

// list joins the different words of a list.
func list(words []string) string {
	var out []string
	seen := map[string]bool{}
	for _, w := range words {
		if !seen[w] {
			seen[w] = true
			out = append(out, printable(w))
		}
	}
	if len(out) > maxListed {
		out = append(out[:maxListed], fmt.Sprintf("and %d more", len(out)-maxListed))
	}
	return strings.Join(out, ", ")
}

// serverNames names who gave answers.
func serverNames(answers []authority.Answer) string {
	var names []string
	for _, a := range answers {
		names = append(names, a.Server)
	}
	return list(names)
}

// describe says what one server said.
func describe(a authority.Answer) string {
	switch a.Status {
	case authority.Found:
		if alias := a.Alias(); alias != "" {
			return "CNAME " + printable(alias)
		}
		texts := a.Texts()
		if len(texts) == 1 {
			return "TXT " + quote(texts[0])
		}
		return fmt.Sprintf("%d TXT records", len(texts))
	case authority.NXDomain:
		return "NXDOMAIN"
	case authority.NoData:
		return "no TXT record"
	case authority.Failed, authority.Refused:
		return cmp.Or(a.Rcode, "an unknown kind of failure")
	case authority.Lame:
		return "not authoritative for the zone"
	case authority.TimedOut:
		return "no answer (" + printable(a.Detail) + ")"
	}
	return string(a.Status) + ": " + printable(a.Detail)
}

// describeAll says what each server said.
func describeAll(answers []authority.Answer) string {
	var parts []string
	for i, a := range answers {
		if i == maxListed {
			parts = append(parts, fmt.Sprintf("and %d more", len(answers)-i))
			break
		}
		parts = append(parts, printable(a.Server)+": "+describe(a))
	}
	return strings.Join(parts, "; ")
}
