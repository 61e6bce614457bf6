package domains

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/check"
)

// placement says how new keys get their names.
type placement struct {
	selector string // empty: from the template
	relaxed  bool
	offline  bool // do not look at DNS
}

// lookBefore bounds the look at DNS before a selector is given out.
const lookBefore = 10 * time.Second

// place gives each draft its owner and, in TXT mode, a selector that is free in
// the store and in DNS (T1, D105). introduce looks at the store again, and gives out the
// names of slots.
func (s *Service) place(ctx context.Context, d *Domain, drafts []Draft, p placement) error {
	for i := range drafts {
		k := &drafts[i].Key
		k.Owner, k.Domain = d.Name, domainOf(d.Name)
		if d.Publish != PublishTXT {
			k.Selector = p.selector // what its slots begin with, see intoSlot
			continue
		}
		if p.selector == "" {
			if err := s.placeByTemplate(ctx, d, k, p); err != nil {
				return err
			}
			continue
		}
		selector, err := ParseSelector(p.selector+suffix(k.Algorithm, i), k.Domain, p.relaxed)
		if err != nil {
			return err
		}
		k.Selector = selector
		if err := s.lookAt(ctx, d, k, p); err != nil {
			return err
		}
	}
	return nil
}

// suffix tells the keys of one request apart that have one selector given.
func suffix(a dkim.Algorithm, i int) string {
	if i > 0 && a == dkim.Ed25519SHA256 {
		return "-ed"
	} else if i > 0 {
		return "-rsa"
	}
	return ""
}

func (s *Service) placeByTemplate(ctx context.Context, d *Domain, k *Key, p placement) error {
	var err error
	for range 3 {
		err = s.store.View(ctx, func(tx Tx) (err error) {
			k.Selector, err = pickSelector(tx, s.policy.Selector, d.Owner, k.Domain, s.now())
			return err
		})
		if err != nil {
			return err
		}
		if err = s.lookAt(ctx, d, k, p); !isRefused(err) {
			return err
		}
	}
	return err
}

// lookAt refuses a name where a DKIM key is published (D105, ruling 33), and
// notes what else caches may have from there, and who serves the domain.
func (s *Service) lookAt(ctx context.Context, d *Domain, k *Key, p placement) error {
	if p.offline || s.checker == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookBefore)
	defer cancel()
	r := s.checker.Vacant(ctx, check.Subject{Domain: k.Domain, Selector: k.Selector})
	if r.Verdict == check.Mismatch {
		return &Refused{
			Rule: "D105",
			What: fmt.Sprintf("DNS has a key at %s already: %.80q", dkim.RecordName(k.Selector, k.Domain), strings.Join(r.Records, " | ")),
			Way:  "pick another selector with --selector, or leave it out and postseal makes one; `domain import` takes the key that stands there, if you have its private half",
		}
	}
	if len(r.NameServers) > 0 {
		d.NameServers = r.NameServers
	}
	if len(r.Records) > 0 || r.Verdict == check.Inconsistent {
		k.SeenBefore = true
		k.TTLSeenOld = int64(max(r.TTL, r.NegativeTTL) / time.Second)
	}
	return nil
}

// introduce puts drafts into the situation as generated keys, in slots where the
// mode has them.
func (l *life) introduce(tx Tx, drafts []Draft) ([]Key, error) {
	var keys []Key
	for _, d := range drafts {
		k := d.Key
		k.CreatedAt = l.birth()
		if l.domain.Publish == PublishTXT {
			if err := freeSelector(tx, l.domain.Owner, k.Domain, k.Selector); err != nil {
				return nil, err
			}
			if err := nameOfNoSlot(tx, k.Domain, k.Selector); err != nil {
				return nil, err
			}
		} else if err := l.intoSlot(tx, &k); err != nil {
			return nil, err
		}
		l.admit(d, k)
		keys = append(keys, k)
	}
	return keys, nil
}

// birth is the time that a new key of the row gets, or the row when it is added again: now,
// or right after all that the row has had, if the clock went back. The order of the keys, and
// what belongs to a former life of the row, is told by it.
func (l *life) birth() time.Time {
	at := l.now
	if at.Before(l.domain.CreatedAt) {
		at = l.domain.CreatedAt
	}
	for _, k := range l.keys {
		if !k.CreatedAt.Before(at) {
			at = k.CreatedAt.Add(time.Microsecond)
		}
	}
	return at
}

// admit adds a key to the situation.
func (l *life) admit(d Draft, k Key) {
	k.Health.Since = l.now
	l.keys = append(l.keys, &k)
	l.drafts = append(l.drafts, d)
	l.note(&k, "%s key of %d bits, %s", k.Algorithm.KeyType(), k.Bits, k.Print)
	l.entries[len(l.entries)-1].To = string(Generated)
}
