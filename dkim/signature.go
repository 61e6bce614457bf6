package dkim

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postseal/postseal/dkim/canon"
)

// Signature is what a DKIM-Signature field says (RFC 6376 section 3.5).
type Signature struct {
	Algorithm        Algorithm  // a=
	AlgorithmName    string     // a= as written, also if nobody knows it: two words of letters and digits with a hyphen between them
	Canonicalization canon.Pair // c=
	Domain           string     // d=, in A-labels and lower case
	Selector         string     // s=, the same
	Identity         string     // i=, decoded: it may hold any octet, CR and LF too. "@" and Domain if the tag is missing
	IdentityDomain   string     // the part behind the last @, in A-labels and lower case
	HeaderNames      []string   // h=, as written
	BodyHash         []byte     // bh=
	B                []byte     // b=
	BText            string     // b= in base64 without white space
	BodyLength       int64      // l=, or -1 if there is none; math.MaxInt64 for all that is larger
	Time             time.Time  // t=, or the zero Time
	Expiry           time.Time  // x=, or the zero Time
}

// ParseSignature reads the value of a DKIM-Signature field: what stands behind the colon, with its folds. The error is a *Fault:
// neutral where the field is against the grammar, permerror where it is well-formed and cannot be used. The Signature is never
// nil; with an error it holds the tags that are right each by itself, so that a report can name them.
func ParseSignature(value []byte) (*Signature, error) {
	s := &Signature{BodyLength: -1}
	tags, err := ParseTagList(string(value))
	if errors.Is(err, ErrTagListTooLong) {
		return s, &Fault{Policy, ReasonLimit, err.Error()}
	}
	if err != nil {
		return s, syntax("%v", err)
	}
	fault := checkVersion(tags)
	for _, t := range tags {
		fault = worse(fault, s.read(t.Name, t.Value))
	}
	if fault = worse(fault, s.complete()); fault != nil {
		return s, fault
	}
	return s, nil
}

// checkVersion holds v= and the presence of the others to section 6.1.1. Another version may have another grammar, so that v= is
// judged before all else.
func checkVersion(tags TagList) *Fault {
	if v, ok := tags.Get("v"); ok && v != "1" {
		return &Fault{PermError, ReasonVersion, fmt.Sprintf("v=%.20q", v)}
	}
	for _, name := range []string{"v", "a", "b", "bh", "d", "h", "s"} {
		if _, ok := tags.Get(name); !ok {
			return &Fault{Neutral, ReasonMissingTag, name}
		}
	}
	return nil
}

// worse returns the fault that decides: a syntax error before a tag that cannot be used, an earlier before a later one. Where
// the version is another, nothing else counts.
func worse(a, b *Fault) *Fault {
	if a == nil || b != nil && a.Status == PermError && b.Status == Neutral && a.Reason != ReasonVersion {
		return b
	}
	return a
}

func syntax(format string, args ...any) *Fault {
	return &Fault{Neutral, ReasonSyntax, fmt.Sprintf(format, args...)}
}

// read takes one tag in. Tags that it does not know are ignored (section 3.2), and z= is for diagnosis only.
func (s *Signature) read(name, value string) *Fault {
	switch name {
	case "a":
		return s.readAlgorithm(value)
	case "b":
		return s.readB(value)
	case "bh":
		return s.readBodyHash(value)
	case "c":
		return s.readCanonicalization(value)
	case "d":
		return s.readDomain(value)
	case "h":
		return s.readHeaderNames(value)
	case "i":
		return s.readIdentity(value)
	case "l":
		return s.readBodyLength(value)
	case "q":
		return readQuery(value)
	case "s":
		return s.readSelector(value)
	case "t":
		return readTime(&s.Time, name, value)
	case "x":
		return readTime(&s.Expiry, name, value)
	}
	return nil
}

// complete fills in defaults and holds the tags against each other.
func (s *Signature) complete() *Fault {
	if s.Domain != "" && s.Selector != "" {
		if err := ValidRecordName(s.Selector, s.Domain); err != nil {
			return syntax("%v", err)
		}
	}
	if s.HeaderNames != nil && !containsFold(s.HeaderNames, "From") { // MUST (section 6.1.1); a whole name, not a part of one
		return &Fault{PermError, ReasonFromNotSigned, ""}
	}
	if !s.Expiry.IsZero() && !s.Time.IsZero() && !s.Expiry.After(s.Time) { // MUST (section 3.5, x=)
		return &Fault{PermError, ReasonExpiryOrder, ""}
	}
	switch {
	case s.Domain == "":
	case s.IdentityDomain == "":
		s.Identity, s.IdentityDomain = "@"+s.Domain, s.Domain
	case !below(s.IdentityDomain, s.Domain):
		return &Fault{PermError, ReasonIdentity, fmt.Sprintf("i= is of %s, d= is %s", s.IdentityDomain, s.Domain)}
	}
	return nil
}

// below tells whether name is domain or a subdomain of it; both are in A-labels and lower case.
func below(name, domain string) bool {
	return name == domain || strings.HasSuffix(name, domain) && name[len(name)-len(domain)-1] == '.'
}

// Covers tells how often h= has a name, in any case: so many instances of the field, from the bottom up, are signed.
func (s *Signature) Covers(name string) int {
	n := 0
	for _, covered := range s.HeaderNames {
		if strings.EqualFold(covered, name) {
			n++
		}
	}
	return n
}
