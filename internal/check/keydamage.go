package check

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math"
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns/authority"
)

// wrongOrder finds strings that are all there, or all but some, and not in their order.
func (c *checking) wrongOrder(r authority.Record, _ string) (code, detail string) {
	if n := len(r.Strings); n > 1 && n <= maxJoined && c.someOrder(append([]string(nil), r.Strings...)) {
		return "D306", fmt.Sprintf("%d strings in the wrong order", n)
	}
	if c.ours == "" || len(r.Strings) < 2 {
		return "", ""
	}
	rest := c.ours
	p := valueOf(r.Text(), "p")
	if p == "" || strings.HasPrefix(rest, p) { // that is cut short
		return "", ""
	}
	head := common(rest, p)
	if head > 0 && strings.HasSuffix(rest, p[head:]) {
		return "D306", fmt.Sprintf("%d characters are missing behind the first %d of the key", len(rest)-len(p), head)
	}
	return "", ""
}

// common is how many octets both begin with.
func common(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// cutShort finds a key that ends too early.
func (c *checking) cutShort(_ authority.Record, text string) (code, detail string) {
	p := strings.Join(strings.Fields(valueOf(text, "p")), "")
	switch {
	case p == "":
		return "", ""
	case c.ours != "" && len(p) < len(c.ours) && strings.HasPrefix(c.ours, p):
		return "D304", fmt.Sprintf("%d of %d characters of the key, %d in all", len(p), len(c.ours), len(text))
	case lacksOctets(p):
		return "D304", fmt.Sprintf("%d characters in all", len(text))
	}
	return "", ""
}

// lacksOctets tells whether base64 of DER announces more than it has.
func lacksOctets(p string) bool {
	whole := p[:len(p)/4*4]
	data, err := base64.StdEncoding.DecodeString(whole)
	if err != nil || len(data) < 4 || data[0] != 0x30 { // SEQUENCE
		return false
	}
	switch length := data[1]; {
	case length < 0x80:
		return len(data) < 2+int(length)
	case length == 0x81:
		return len(data) < 3+int(data[2])
	case length == 0x82:
		return len(data) < 4+int(data[2])<<8+int(data[3])
	}
	return false
}

// wrapped finds an Ed25519 key in a SubjectPublicKeyInfo (RFC 8463 section 4 wants it bare).
func wrapped(_ authority.Record, text string) (code, detail string) {
	if !strings.EqualFold(valueOf(text, "k"), "ed25519") {
		return "", ""
	}
	if key, err := x509.ParsePKIXPublicKey(decoded(text)); err == nil {
		if _, ok := key.(ed25519.PublicKey); ok {
			return "D406", ""
		}
	}
	return "", ""
}

// oddNumbers finds an RSA key whose modulus or exponent none can have.
func oddNumbers(_ authority.Record, text string) (code, detail string) {
	public, _ := x509.ParsePKIXPublicKey(decoded(text))
	key, ok := public.(*rsa.PublicKey)
	if !ok || key.E >= 3 && key.E <= math.MaxInt32 && key.E%2 == 1 && key.N.Bit(0) == 1 {
		return "", ""
	}
	return "D411", fmt.Sprintf("the exponent %d and a modulus of %d bits: no RSA key has these", key.E, key.N.BitLen())
}

// wrongKind finds a k= that does not go with the key.
func wrongKind(_ authority.Record, text string) (code, detail string) {
	if _, err := dkim.ParseTagList(text); err != nil {
		return "", ""
	}
	k := strings.ToLower(valueOf(text, "k"))
	data := decoded(text)
	switch k {
	case "", "rsa":
		if len(data) == ed25519.PublicKeySize {
			return "D405", "k=rsa, and the key has 32 octets as Ed25519 has"
		}
		if key, err := x509.ParsePKIXPublicKey(data); err == nil {
			return "D405", fmt.Sprintf("k=rsa, and the key is of another kind (%T)", key)
		}
	case "ed25519":
		if bytes.HasPrefix(data, []byte{0x30}) {
			return "D405", "k=ed25519, and the key is an RSA key"
		}
	default:
		return "D405", "k=" + printable(k) + " is none that DKIM has"
	}
	return "", ""
}

// decoded is the value of p= as octets, nil if it is no base64.
func decoded(text string) []byte {
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(valueOf(text, "p")), ""))
	if err != nil {
		return nil
	}
	return data
}
