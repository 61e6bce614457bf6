package shadow

import (
	"fmt"
	"strings"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/mailaddr"
)

// tagDifferences compares all tags but h=, bh= and b=, in the order in which they matter.
func tagDifferences(o, n *signature, sender mailaddr.Address) (all []Difference) {
	add := func(what string, level Level, old, ours, advice string) {
		all = append(all, Difference{
			What: what, Level: level, Old: old, Ours: ours, Advice: advice,
			Text: fmt.Sprintf("%s=: old %s, ours %s", what, orNone(old), orNone(ours)),
		})
	}
	if o.Domain != n.Domain {
		add("d", Differs, o.Domain, n.Domain, fmt.Sprintf("sign.signingtable, sign.keytable: the line for %s names a key of %s; let it name one of %s", sender, n.Domain, o.Domain))
	}
	if o.Selector != n.Selector {
		add("s", Differs, o.Selector, n.Selector, fmt.Sprintf("sign.keytable: the line of %s has selector %s; if the old key is in its file, put %s there", n.Domain, n.Selector, o.Selector))
	}
	if o.Algorithm != n.Algorithm {
		advice := fmt.Sprintf("sign.keytable: add a line of the same NAME with the old signer's %s key", o.Algorithm)
		if o.Algorithm == 0 {
			advice = "nothing to set: receivers refuse " + o.AlgorithmName + " (RFC 8301)"
		}
		add("a", Differs, o.AlgorithmName, n.AlgorithmName, advice)
	}
	if o.Canonicalization != n.Canonicalization {
		add("c", Differs, o.Canonicalization.String(), n.Canonicalization.String(), fmt.Sprintf("sign.canonicalization = %q", o.Canonicalization))
	}
	if level := identityLevel(o, n); level != Note {
		old, ours := identity(o), identity(n)
		add("i", level, old, ours, identityAdvice(o, sender))
	}
	if q, _ := o.tags.Get("q"); q != "" && !strings.EqualFold(q, "dns/txt") {
		add("q", Harmless, q, "dns/txt", "nothing to set: DNS is the only place where verifiers look for keys")
	}
	if o.BodyLength >= 0 {
		add("l", Differs, fmt.Sprint(o.BodyLength), "", "nothing to set: postseal always signs the whole body")
	}
	if old, ours := span(o.Signature), span(n.Signature); old != ours {
		advice := fmt.Sprintf("sign.expire = %q", old)
		if !o.Expiry.IsZero() && o.Time.IsZero() {
			advice = "sign.expire: how long the old signature was good cannot be told, since it has no t="
		}
		add("x", Differs, old, ours, advice)
	}
	for _, t := range o.tags {
		if !known[t.Name] {
			all = append(all, Difference{What: t.Name, Level: Harmless, Text: t.Name + "=: only the old signature has it", Advice: "nothing to set: verifiers ignore it"})
		}
	}
	return all
}

// known are the tags that a verifier goes by.
var known = map[string]bool{
	"v": true, "a": true, "b": true, "bh": true, "c": true, "d": true, "h": true, "i": true, "l": true, "q": true, "s": true, "t": true, "x": true,
}

// identityLevel weighs i=, which is "@" and d= where it is missing.
func identityLevel(o, n *signature) Level {
	local := func(s *signature) string { return s.Identity[:max(strings.LastIndexByte(s.Identity, '@'), 0)] }
	own := func(s *signature) bool { return local(s) == "" && s.IdentityDomain == s.Domain }
	switch {
	case o.has("i") == n.has("i") && local(o) == local(n) && (o.IdentityDomain == n.IdentityDomain || own(o) && own(n)):
		return Note // where the tag is missing in both, or follows d=, that is no difference of its own
	case own(o) && own(n):
		return Harmless
	}
	return Differs
}

func identity(s *signature) string {
	if !s.has("i") {
		return ""
	}
	return s.Identity
}

func identityAdvice(o *signature, sender mailaddr.Address) string {
	switch {
	case !o.has("i"):
		return `sign.identity = "none", and no identity in the line of sign.signingtable`
	case o.Identity == "@"+o.Domain:
		return `sign.identity = "domain"`
	case strings.EqualFold(o.Identity, sender.String()):
		return `sign.identity = "sender"`
	}
	return "sign.signingtable: name the identity behind the key, KEY:" + o.Identity
}

// span is how long a signature is good for, as sign.expire has it; "" for ever.
func span(s *dkim.Signature) string {
	const day = 24 * time.Hour
	switch d := s.Expiry.Sub(s.Time); {
	case s.Expiry.IsZero():
		return ""
	case s.Time.IsZero():
		return "until " + s.Expiry.UTC().Format(time.RFC3339)
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	default:
		return d.String()
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
