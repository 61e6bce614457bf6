package check

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns/authority"
)

// damaged explains a record that is none. The kinds of damage are tried in an order in which one does not hide behind another; the
// parser's own words are the last.
func (c *checking) damaged(r authority.Record, parseErr error) {
	text := r.Text()
	for _, diagnose := range []func(authority.Record, string) (code, detail string){
		c.privateKey, c.armour, zoneLine, backslashes, quotes, cutAtSemicolon, c.changedCharacters, oddCharacters, noSemicolon,
		versionTag, c.wrongOrder, c.cutShort, wrapped, oddNumbers, wrongKind, noKey,
	} {
		if code, detail := diagnose(r, text); code != "" {
			c.report.raiseAs(code, Error, facts{"detail": detail})
			return
		}
	}
	detail := parseErr.Error()
	if fault := (*dkim.Fault)(nil); errors.As(parseErr, &fault) && fault.Detail != "" {
		detail = fault.Detail
	}
	c.report.raise("D313", facts{"detail": printable(detail)})
}

// privateKey finds the private half in public: ours (ruling 34), or that of the stranger whose record it is.
func (c *checking) privateKey(_ authority.Record, text string) (code, detail string) {
	candidates := [][]byte{[]byte(valueOf(text, "p"))}
	if i := strings.Index(text, "-----BEGIN "); i >= 0 {
		candidates = append(candidates, armourless(text[i:]))
	}
	for _, data := range candidates {
		if key, err := dkim.ParsePrivateKey(data); err == nil && c.isPrivateHalf(key, data) {
			return "D309", ""
		}
	}
	return "", ""
}

// bareSeed is how long an Ed25519 seed is in base64: as long as a public key, from which nothing tells it.
const bareSeed = 44

func (c *checking) isPrivateHalf(key *dkim.PrivateKey, data []byte) bool {
	if c.subject.Public == nil {
		return len(data) > bareSeed
	}
	return Fingerprint(key.Public()) == Fingerprint(c.subject.Public)
}

// armourless returns the base64 between the lines of a PEM block, which may have lost its line ends.
func armourless(text string) []byte {
	if block, _ := pem.Decode([]byte(text)); block != nil {
		return []byte(base64.StdEncoding.EncodeToString(block.Bytes))
	}
	text = armourLine.ReplaceAllString(text, "")
	return []byte(strings.Join(strings.Fields(text), ""))
}

var armourLine = regexp.MustCompile(`-----(BEGIN|END) [A-Z ]+-----`)

func (c *checking) armour(_ authority.Record, text string) (code, detail string) {
	if strings.Contains(text, "-----BEGIN ") || strings.Contains(text, "-----END ") {
		return "D310", ""
	}
	return "", ""
}

// zoneLinePattern is the begin of a zone file's line, with or without the name.
var zoneLinePattern = regexp.MustCompile(`(?i)^\s*(\S+\s+)?([0-9]+\s+)?(IN\s+TXT|IN\s+[0-9]+\s+TXT|TXT)[\s("]`)

func zoneLine(_ authority.Record, text string) (code, detail string) {
	if zoneLinePattern.MatchString(text) {
		return "D209", quote(text)
	}
	return "", ""
}

func backslashes(_ authority.Record, text string) (code, detail string) {
	if strings.Contains(text, `\;`) || strings.HasSuffix(text, `\`) {
		return "D301", ""
	}
	return "", ""
}

// quotes finds quotation marks where none belong: around the value, or inside of the key. In n= they are text.
func quotes(_ authority.Record, text string) (code, detail string) {
	trimmed := strings.TrimSpace(text)
	for _, mark := range []string{`"`, `'`, "“", "”", "„", "‘", "’", "«", "»", "\x93", "\x94"} {
		if strings.HasPrefix(trimmed, mark) || strings.Contains(valueOf(text, "p"), mark) || strings.HasSuffix(trimmed, mark) {
			return "D302", ""
		}
	}
	return "", ""
}

func cutAtSemicolon(_ authority.Record, text string) (code, detail string) {
	if strings.Trim(text, "; \t") == "v=DKIM1" {
		return "D303", ""
	}
	return "", ""
}

func noKey(_ authority.Record, text string) (code, detail string) {
	if _, err := dkim.ParseTagList(text); err == nil && !hasTag(text, "p") {
		return "D404", ""
	}
	return "", ""
}

// replacements undo what web forms and programs do to base64; the last is for p= alone.
var replacements = []struct {
	what string
	undo *strings.Replacer
}{
	{"HTML entities", strings.NewReplacer("&#43;", "+", "&#x2b;", "+", "&#x2B;", "+", "&plus;", "+", "&#47;", "/", "&#x2F;", "/", "&#61;", "=", "&equals;", "=", "&#59;", ";", "&semi;", ";", "&amp;", "&")},
	{"percent signs", strings.NewReplacer("%2B", "+", "%2b", "+", "%2F", "/", "%2f", "/", "%3D", "=", "%3d", "=", "%3B", ";", "%20", " ")},
	{"- and _ for + and /", strings.NewReplacer("-", "+", "_", "/")},
	{"blanks for +", strings.NewReplacer(" ", "+")},
}

func (c *checking) changedCharacters(_ authority.Record, text string) (code, detail string) {
	p := valueOf(text, "p")
	for i, r := range replacements {
		mended := r.undo.Replace(text)
		if i >= 2 {
			mended = strings.Replace(text, p, r.undo.Replace(p), 1)
		}
		if mended != text && c.usable([]string{mended}) {
			return "D311", r.what
		}
	}
	return "", ""
}

// oddCharacters finds control and non-ASCII characters that keep a record from being read.
func oddCharacters(_ authority.Record, text string) (code, detail string) {
	if detail := oddCharacter(text); detail != "" {
		return "D312", detail
	}
	return "", ""
}

// oddCharacter names the first one and its place, counted from 1; empty if there is none.
func oddCharacter(text string) string {
	for i, r := range text {
		if r < ' ' && r != '\t' || r >= 0x7f {
			if r == utf8.RuneError {
				return fmt.Sprintf("octet 0x%02x at %d", text[i], i+1)
			}
			return fmt.Sprintf("%U at %d", r, i+1)
		}
	}
	return ""
}

// swallowedTag is a tag inside the value of the one before it.
var swallowedTag = regexp.MustCompile(`[^;\s]\s+(v|k|h|s|t|n|p)\s*=`)

// noSemicolon finds tags with nothing between them.
func noSemicolon(_ authority.Record, text string) (code, detail string) {
	if m := swallowedTag.FindStringSubmatch(text); m != nil {
		return "D313", "no semicolon before " + m[1] + "="
	}
	return "", ""
}

// versionTag finds a v= that is not the first tag, or not DKIM1.
func versionTag(_ authority.Record, text string) (code, detail string) {
	tags, err := dkim.ParseTagList(text)
	if err != nil {
		return "", ""
	}
	if v, ok := tags.Get("v"); ok && (v != "DKIM1" || tags[0].Name != "v") {
		return "D314", ""
	}
	if v, ok := tags.Get("V"); ok && strings.EqualFold(v, "DKIM1") {
		return "D314", ""
	}
	return "", ""
}

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

// valueOf reads a tag out of a text that may be no tag list.
func valueOf(text, tag string) string {
	value, _ := findTag(text, tag)
	return value
}

func hasTag(text, tag string) bool {
	_, ok := findTag(text, tag)
	return ok
}

func findTag(text, tag string) (value string, ok bool) {
	for spec := range strings.SplitSeq(text, ";") {
		name, value, found := strings.Cut(spec, "=")
		if found && strings.TrimSpace(name) == tag {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}
