package shadow

import (
	"errors"
	"fmt"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/policy"
)

// signature is one of the old signer's or one of ours.
type signature struct {
	*dkim.Signature
	tags   dkim.TagList
	value  string          // of the field, with its folds
	field  int             // where it stands in the file's header; old ones only
	public *dkim.PublicKey // of our private key; ours only
	err    error           // why nothing can be said of it; old ones only
}

// has tells whether a tag is written out.
func (s *signature) has(tag string) bool {
	_, ok := s.tags.Get(tag)
	return ok
}

// read parses the value of a DKIM-Signature field. What a verifier refuses and an
// old signer may well have made, such as rsa-sha1, can be compared all the same.
func read(value []byte) *signature {
	parsed, err := dkim.ParseSignature(value)
	s := &signature{Signature: parsed, value: string(value)}
	s.tags, _ = dkim.ParseTagList(string(value)) // its error is ParseSignature's too
	if fault := (*dkim.Fault)(nil); errors.As(err, &fault) && !comparable(fault.Reason) {
		s.err = fault
	}
	return s
}

func comparable(r dkim.Reason) bool {
	switch r {
	case dkim.ReasonSHA1, dkim.ReasonQueryMethod, dkim.ReasonExpiryOrder, dkim.ReasonIdentity, dkim.ReasonFromNotSigned:
		return true
	}
	return false
}

// ourSignatures reads the values that the signer made, each with its key's public half.
func ourSignatures(values []string, keys []policy.Key) ([]*signature, error) {
	var all []*signature
	for _, v := range values {
		s := read([]byte(v))
		if s.err != nil {
			return nil, fmt.Errorf("our own signature cannot be read: %w", s.err)
		}
		for _, k := range keys {
			private, err := k.Private()
			if err != nil || k.Domain != s.Domain || k.Selector != s.Selector || private.Algorithm() != s.Algorithm {
				continue
			}
			record, err := dkim.ParseKeyRecord(private.PublicRecord())
			if err != nil {
				return nil, fmt.Errorf("our own key %s/%s: %w", k.Domain, k.Selector, err)
			}
			s.public = record.Public
		}
		all = append(all, s)
	}
	return all, nil
}

// pairing is an old signature and the one of ours that comes closest, or one alone.
type pairing struct{ old, ours *signature }

// pair joins each old signature with one of ours: those that agree in most first.
func pair(old, ours []*signature) (pairs []pairing) {
	taken := map[*signature]bool{}
	for least := closest; least >= 0; least-- {
		for _, o := range old {
			for _, n := range ours {
				if !taken[o] && !taken[n] && closeness(o, n) >= least {
					taken[o], taken[n] = true, true
					pairs = append(pairs, pairing{o, n})
				}
			}
		}
	}
	for _, o := range old {
		if !taken[o] {
			pairs = append(pairs, pairing{old: o})
		}
	}
	for _, n := range ours {
		if !taken[n] {
			pairs = append(pairs, pairing{ours: n})
		}
	}
	return pairs
}

// closest is the closeness of signatures that agree in d=, a= and s=.
const closest = 7

func closeness(o, n *signature) (points int) {
	if o.Domain == n.Domain {
		points += 4
	}
	if o.Algorithm == n.Algorithm {
		points += 2
	}
	if o.Selector == n.Selector {
		points++
	}
	return points
}
