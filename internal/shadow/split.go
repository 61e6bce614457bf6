package shadow

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/dkim"
)

// Signers says which DKIM-Signature fields are the old signer's. The zero value
// takes the topmost whose d= is one that postseal would sign with, else the topmost of all,
// and what was made together with it.
type Signers struct {
	Domains []string // only of these d=, in A-labels and lower case
	All     bool     // every one in the header
}

// maxSignatures bounds the signatures of a message that are read, from the top.
const maxSignatures = 50

// together is how far the t= of signatures that were made together may be apart.
const together = 2 * time.Second

// NoSignatureError says that a message has no signature of the old signer.
type NoSignatureError struct {
	Found []string // d= of those that it has
}

func (e *NoSignatureError) Error() string {
	if len(e.Found) == 0 {
		return "no DKIM-Signature field: give a message as the old signer signed it"
	}
	return fmt.Sprintf("no signature of the signer's domain; there are d=%s", strings.Join(e.Found, ", d="))
}

// BadSignatureError says that a signature of the old signer cannot be read.
type BadSignatureError struct {
	Number int // of the DKIM-Signature field, the topmost being 1
	Err    error
}

func (e *BadSignatureError) Error() string {
	return fmt.Sprintf("DKIM-Signature field %d cannot be read: %v", e.Number, e.Err)
}

func (e *BadSignatureError) Unwrap() error { return e.Err }

// separated is a header taken apart.
type separated struct {
	old   []*signature // at least one, from the top
	seen  *dkim.Fields // what the old signer saw
	whole bool         // the old signatures do not stand above From: everything else counts as seen
}

// split separates the old signer's fields from the rest. ours are the domains that
// postseal would sign with.
func (s Signers) split(fields *dkim.Fields, ours []string) (*separated, error) {
	var all []*signature
	for i := 0; i < fields.Len() && len(all) < maxSignatures; i++ {
		if isName(fields, i, "DKIM-Signature") {
			found := read(fields.Value(i))
			found.field = i
			all = append(all, found)
		}
	}
	old := s.choose(all, ours, fields)
	if len(old) == 0 {
		e := new(NoSignatureError)
		for _, found := range all {
			e.Found = append(e.Found, found.Domain)
		}
		return nil, e
	}
	for _, o := range old {
		if o.err != nil {
			return nil, &BadSignatureError{slices.Index(all, o) + 1, o.err}
		}
	}
	return separate(fields, old), nil
}

func (s Signers) choose(all []*signature, ours []string, fields *dkim.Fields) (old []*signature) {
	domains := ours
	if len(s.Domains) > 0 {
		domains = s.Domains
	}
	of := func(found *signature) bool { return slices.Contains(domains, found.Domain) }
	anchor := slices.IndexFunc(all, of)
	switch {
	case s.All:
		return all
	case anchor < 0 && (len(s.Domains) > 0 || len(all) == 0):
		return nil
	case anchor < 0:
		anchor = 0
	}
	for i, found := range all {
		if i == anchor || madeTogether(all, i, anchor, fields) && (len(s.Domains) == 0 || of(found)) {
			old = append(old, found)
		}
	}
	return old
}

// madeTogether tells that signatures stand next to each other and are of the same moment:
// one signer put them there with several keys.
func madeTogether(all []*signature, i, anchor int, fields *dkim.Fields) bool {
	a, b := all[min(i, anchor)], all[max(i, anchor)]
	for at := a.field; at < b.field; at++ {
		if !isName(fields, at, "DKIM-Signature") && !isName(fields, at, "DKIM-Filter") { // OpenDKIM's SoftwareHeader
			return false
		}
	}
	return all[i].err == nil && a.Time.IsZero() == b.Time.IsZero() && a.Time.Sub(b.Time).Abs() <= together
}

// separate gives what stands below the topmost old signature, without the old ones. A
// milter puts its field on top of all that it saw; what is above came later, on the
// message's way. An old signature below From was put there in another manner, and then the whole
// header was seen.
func separate(fields *dkim.Fields, old []*signature) *separated {
	s := &separated{old: old, seen: below(fields, old, old[0].field)}
	if s.seen.Count("From") == 0 && fields.Count("From") > 0 {
		s.seen, s.whole = below(fields, old, -1), true
	}
	return s
}

func below(fields *dkim.Fields, old []*signature, top int) *dkim.Fields {
	seen := new(dkim.Fields)
	for i := top + 1; i < fields.Len(); i++ {
		if !slices.ContainsFunc(old, func(o *signature) bool { return o.field == i }) {
			seen.Add(fields.Name(i), fields.Value(i))
		}
	}
	return seen
}

// notes tells what was assumed.
func (s *separated) notes() []Difference {
	all := []Difference{}
	if s.whole {
		all = append(all, Difference{What: "file", Level: Note, Text: "the old signature does not stand above From: all other fields are taken as signed with it"})
	}
	return all
}

func isName(fields *dkim.Fields, i int, name string) bool {
	return strings.EqualFold(string(fields.Name(i)), name)
}
