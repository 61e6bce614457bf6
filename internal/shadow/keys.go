package shadow

import (
	"context"
	"errors"
	"fmt"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/verifier"
)

// maxNames bounds the names whose keys a keyRing remembers, for a whole directory of mail.
const maxNames = 1000

// keyRing keeps what DNS said, failures too: a directory of mail asks for the same names
// again and again.
type keyRing map[string]published

// published is what DNS says of a key.
type published struct {
	name string
	keys []*dkim.PublicKey
	err  error // verifier.ErrNotFound, a record that is none, or a failure for now
}

// maxRecords is how many records at one name are read.
const maxRecords = 10

// of is a key of an algorithm, nil for none.
func (p published) of(a dkim.Algorithm) *dkim.PublicKey {
	for _, k := range p.keys {
		if k.Algorithm() == a {
			return k
		}
	}
	return nil
}

// has tells whether a key is among them.
func (p published) has(key *dkim.PublicKey) bool {
	for _, k := range p.keys {
		if key != nil && k.Equal(key.Key()) {
			return true
		}
	}
	return false
}

// temporary tells that nobody knows yet.
func (p published) temporary() bool {
	fault := (*dkim.Fault)(nil)
	return p.err != nil && !errors.Is(p.err, verifier.ErrNotFound) && !errors.As(p.err, &fault)
}

// published looks up the key of an old signature, where that is wanted.
func (j *Judge) published(ctx context.Context, p pairing) (found published, asked bool) {
	same := p.ours != nil && p.ours.Domain == p.old.Domain && p.ours.Selector == p.old.Selector
	if j.DNS == Never || j.Lookup == nil || j.DNS == WhenKeysDiffer && (same || p.ours == nil) {
		return published{}, false
	}
	return j.lookUp(ctx, p.old), true
}

func (j *Judge) lookUp(ctx context.Context, s *signature) published {
	name := dkim.RecordName(s.Selector, s.Domain)
	if p, known := j.keys[name]; known {
		return p
	}
	p := published{name: name}
	answer, err := j.Lookup.LookupTXT(ctx, name)
	p.err = err
	for _, txt := range answer.TXT[:min(len(answer.TXT), maxRecords)] {
		record, err := dkim.ParseKeyRecord(txt)
		if err == nil && record.Public != nil {
			p.keys = append(p.keys, record.Public)
		} else if p.err == nil {
			p.err = err
		}
	}
	if len(p.keys) > 0 {
		p.err = nil
	} else if p.err == nil {
		p.err = &dkim.Fault{Status: dkim.PermError, Reason: dkim.ReasonKeyRevoked}
	}
	if j.keys == nil {
		j.keys = keyRing{}
	}
	if len(j.keys) < maxNames {
		j.keys[name] = p
	}
	return p
}

// keyDifferences holds our public key against the one in DNS under the old
// selector, and, if ours is another, against what DNS has for it.
func (j *Judge) keyDifferences(ctx context.Context, p pairing, old published, r *Report) []Difference {
	if p.ours.Domain == p.old.Domain && p.ours.Selector == p.old.Selector {
		return r.inDNS(old, p.ours)
	}
	var all []Difference
	switch {
	case old.has(p.ours.public):
		all = append(all, Difference{What: "key", Level: Note, Text: "our key is the one that DNS has at " + old.name})
	case len(old.keys) > 0:
		all = append(all, Difference{What: "key", Level: Note, Text: "our key is another one than DNS has at " + old.name})
	default:
		r.DNSFailed = r.DNSFailed || old.temporary()
		all = append(all, Difference{What: "dns", Level: Note, Text: fmt.Sprintf("the old key at %s: %v", old.name, old.err)})
	}
	return append(all, r.inDNS(j.lookUp(ctx, p.ours), p.ours)...)
}

// inDNS sees that DNS has our key where verifiers will look for it.
func (r *Report) inDNS(p published, ours *signature) []Difference {
	switch {
	case p.has(ours.public):
		return nil
	case p.temporary():
		r.DNSFailed = true
		return []Difference{{What: "dns", Level: Unsure, Text: fmt.Sprintf("the key at %s: %v", p.name, p.err)}}
	case p.err != nil:
		return []Difference{{What: "dns", Level: Differs, Text: fmt.Sprintf("our key is not at %s: %v", p.name, p.err), Advice: "publish it before postseal signs: `postseal check " + ours.Domain + "`"}}
	}
	return []Difference{{What: "dns", Level: Differs, Text: "DNS has another key at " + p.name + " than ours", Advice: "sign.keytable: name the key file that belongs to the record; `postseal check " + ours.Domain + "`"}}
}
