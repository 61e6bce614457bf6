package domains

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/check"
)

// subject is what to ask DNS about a key, with what the store knows around it. A
// key that retires is asked about without a probe.
func (s *Service) subject(ctx context.Context, d *Domain, k *Key, private *dkim.PrivateKey, full bool) (check.Subject, error) {
	public, err := x509.ParsePKIXPublicKey(k.Public)
	if err != nil {
		return check.Subject{}, fmt.Errorf("%s, selector %s: public half in the store: %w", k.Owner, k.Selector, err)
	}
	subject := check.Subject{
		Domain: k.Domain, Selector: k.Selector, Public: public, Signer: private, Target: k.Target, Via: check.Resolver,
		Active: !k.neverSigned(), SubDomains: d.SubDomains, Testing: k.wantsTesting(), Providers: d.NameServers,
		Gone:   k.Target != "" && k.State == Retired && !d.KeepsSlot(k),
		Former: s.policy.former(d, k),
		Known:  func(print string) string { return s.known(ctx, d, k, print) },
	}
	if !full {
		return subject, nil
	}
	subject.Via = check.Authoritative
	return subject, s.around(ctx, d, k, &subject)
}

// Subjects are the keys of a domain, and of its addresses, as a check asks the
// authoritative servers about them: those whose record has to be in DNS, or only the
// one with a selector. The store has to stay open as long as they are used.
func (s *Service) Subjects(ctx context.Context, domain, selector string) ([]check.Subject, error) {
	keys, rows, err := s.awaited(ctx, domain, strings.ToLower(selector))
	if err != nil {
		return nil, err
	}
	var out []check.Subject
	for _, k := range keys {
		private, err := s.Private(ctx, k.ID)
		if err != nil {
			return nil, fmt.Errorf("%s, selector %s: %w", k.Owner, k.Selector, err)
		}
		d := rows[k.Owner]
		subject, err := s.subject(ctx, &d, &k, private, true)
		if err != nil {
			return nil, err
		}
		out = append(out, subject)
	}
	return out, nil
}

// awaited are the keys of a domain whose record has to be in DNS, with their rows.
func (s *Service) awaited(ctx context.Context, domain, selector string) (keys []Key, rows map[string]Domain, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		keys, rows = nil, map[string]Domain{}
		err := eachKey(tx, func(k Key) {
			if k.Domain == domain && (selector == "" || k.Selector == selector) && k.living() && !isWatched(k.Owner) {
				keys = append(keys, k)
			}
		})
		for _, k := range keys {
			if err == nil {
				rows[k.Owner], err = tx.Domain(k.Owner)
			}
		}
		return err
	})
	return keys, rows, err
}

// around adds what only a full check looks at: the neighbours of a key.
func (s *Service) around(ctx context.Context, d *Domain, k *Key, subject *check.Subject) error {
	if d.KeepsSlot(k) || !d.DeletedAt.IsZero() { // those of a former mode are nobody's concern
		subject.Slots = k.OtherSlots(d.Slots)
	}
	return s.store.View(ctx, func(tx Tx) error {
		subject.Former, subject.SharedWith = s.policy.former(d, k), nil
		siblings, err := tx.KeysOf(d.Name)
		if err != nil {
			return err
		}
		for _, other := range siblings {
			subject.Active = subject.Active || !other.neverSigned() // D504 is a warning after the domain's first activation (ruling 34)
			if other.Selector == k.Selector && other.Target != "" && other.Target != k.Target {
				subject.Former = append(subject.Former, other.Target)
			}
		}
		if d.Watched() || k.isShared() { // one key for many domains is wanted there
			return nil
		}
		same, err := as(tx, d.Owner).KeysPrinted(k.Print)
		for _, other := range same {
			if other.Domain != k.Domain && other.living() && !isLent(other.Owner) && !slices.Contains(subject.SharedWith, other.Domain) {
				subject.SharedWith = append(subject.SharedWith, other.Domain)
			}
		}
		return err
	})
}

// wantsTesting: the record that was handed out says t=y itself.
func (k *Key) wantsTesting() bool {
	record, err := dkim.ParseKeyRecord(k.Record)
	return err == nil && record.Testing()
}

// known tells what the store knows of a key that stands where k should; a tenant learns
// of its own keys only.
func (s *Service) known(ctx context.Context, d *Domain, k *Key, print string) string {
	var text string
	err := s.store.View(ctx, func(tx Tx) error {
		keys, err := as(tx, d.Owner).KeysPrinted(print)
		text = ""
		for _, other := range keys {
			if text == "" || other.Owner == k.Owner { // one of the domain's own says more than one elsewhere
				text = describeOther(&other, k)
			}
		}
		return err
	})
	if err != nil {
		s.log.Warn("cannot tell whose key stands in DNS", "domain", k.Owner, "selector", k.Selector, "error", err)
	}
	return text
}

func describeOther(other, k *Key) string {
	whose := "your key " + other.Selector
	if other.Domain != k.Domain {
		whose += " of " + other.Domain
	}
	switch {
	case other.Compromised:
		return whose + ", compromised " + date(other.CompromisedAt)
	case other.State == Retired:
		return whose + ", retired " + date(other.RetiredAt)
	case other.State == Retiring:
		return whose + ", replaced " + date(other.RetiringSince)
	}
	return whose + ", which is " + string(other.State)
}
