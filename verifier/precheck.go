package verifier

import (
	"errors"
	"fmt"

	"github.com/postseal/postseal/dkim"
)

// precheck gives the verdict on a signature as far as header and clock tell it, or nil if it takes the key. err is what
// dkim.ParseSignature said.
func (m *Message) precheck(s *dkim.Signature, err error) *dkim.Fault {
	if fault := (*dkim.Fault)(nil); errors.As(err, &fault) {
		return fault
	}
	switch o := &m.v.options; {
	case m.index.Count("From") == 0: // ruling 45
		return &dkim.Fault{Status: dkim.PermError, Reason: dkim.ReasonNoFrom}
	case len(s.HeaderNames) > o.MaxHeaderListLength:
		return limit("h= has %d names, want at most %d", len(s.HeaderNames), o.MaxHeaderListLength)
	case m.v.refused[s.Domain]: // section 6.1.1: MAY
		return &dkim.Fault{Status: dkim.Policy, Reason: dkim.ReasonDomainRefused}
	case !s.Expiry.IsZero() && m.now.After(s.Expiry.Add(o.ClockSkew)): // section 3.5, x=: MAY
		return &dkim.Fault{Status: dkim.PermError, Reason: dkim.ReasonExpired, Detail: fmt.Sprintf("x=%d", s.Expiry.Unix())}
	case m.evaluated() == o.MaxSignatures: // section 6.1: MAY
		return limit("%d signatures, of which %d are verified", len(m.found), o.MaxSignatures)
	}
	return nil
}

// evaluated is the number of signatures that take a key so far.
func (m *Message) evaluated() int {
	n := 0
	for i := range m.checks {
		if m.checks[i].key != nil {
			n++
		}
	}
	return n
}

func limit(format string, args ...any) *dkim.Fault {
	return &dkim.Fault{Status: dkim.Policy, Reason: dkim.ReasonLimit, Detail: fmt.Sprintf(format, args...)}
}

// mustBeCovered are the fields that a reader or a mail program takes from whichever instance it likes. From has its own reason.
var mustBeCovered = [...]string{"Subject", "To", "Date", "Reply-To", "Cc", "Content-Type", "Message-ID"}

// postcheck finds what keeps a signature that is right from counting: the rules of ours, each of them policy.
func (m *Message) postcheck(s *dkim.Signature, wholeBody bool) *dkim.Fault {
	if !s.Time.IsZero() && s.Time.After(m.now.Add(m.v.options.ClockSkew)) {
		return &dkim.Fault{Status: dkim.Policy, Reason: dkim.ReasonFuture, Detail: fmt.Sprintf("t=%d", s.Time.Unix())}
	}
	if m.uncovered(s, "From") { // ruling 45, RFC 6376 section 8.15
		return &dkim.Fault{Status: dkim.Policy, Reason: dkim.ReasonMultipleFrom}
	}
	for _, name := range mustBeCovered {
		if m.uncovered(s, name) {
			return &dkim.Fault{Status: dkim.Policy, Reason: dkim.ReasonDuplicateField, Detail: name}
		}
	}
	if !wholeBody && !m.v.options.AllowPartialBody {
		return &dkim.Fault{Status: dkim.Policy, Reason: dkim.ReasonPartialBody, Detail: fmt.Sprintf("l=%d", s.BodyLength)}
	}
	return nil
}

// uncovered tells that the message has several fields of a name, and h= does not name it as often.
func (m *Message) uncovered(s *dkim.Signature, name string) bool {
	n := m.index.Count(name)
	return n > 1 && s.Covers(name) < n
}
