package domains

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/postseal/postseal/dkim"
)

// What cannot be what it is given for is refused before anybody is asked to agree to a
// consequence: nobody says yes to something that comes to nothing then.

// judge looks at what a request says of its keys; newDomain has looked at the rest.
func (r *AddRequest) judge(d *Domain) error {
	algorithms := r.algorithms()
	if err := distinct(algorithms); err != nil {
		return err
	}
	for i, a := range algorithms {
		if err := judgeBits(a, r.Bits); err != nil {
			return err
		}
		var err error
		switch {
		case r.Selector == "":
		case d.Publish == PublishTXT:
			_, err = ParseSelector(r.Selector+suffix(a, i), d.SigningDomain(), r.RelaxedSelector)
		default:
			_, err = parsePrefix(r.Selector, d.SigningDomain())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// judge looks at a pair that is to follow one of a row.
func (r *RotateRequest) judge(name string) error {
	if err := judgeBits(dkim.RSASHA256, r.Bits); err != nil || r.Selector == "" || name == SharedSet {
		return err
	}
	_, err := ParseSelector(r.Selector, domainOf(name), false)
	return err
}

// judge looks at a row as it will be with all that is asked for, before any of it is done:
// another way of publishing is a change of its own.
func (c *Settings) judge(ctx context.Context, s *Service, name string) error {
	now, err := s.view(ctx, name)
	if err != nil {
		return err
	}
	row := now.Domain
	if c.Publish != nil {
		to := republished{publish: *c.Publish}
		row = *to.row(row)
	}
	c.apply(&row)
	if c.Publish != nil && c.Slots != nil && row.Publish == PublishTXT {
		return slotsOfTXT(*c.Slots)
	}
	if err := s.checkSettings(&row); err != nil || row.Driver == now.Domain.Driver {
		return err
	}
	return s.checkDriver(&row)
}

func (r *AddRequest) algorithms() []dkim.Algorithm {
	if len(r.Algorithms) == 0 {
		return []dkim.Algorithm{dkim.RSASHA256}
	}
	return r.Algorithms
}

func distinct(algorithms []dkim.Algorithm) error {
	for i, a := range algorithms {
		for _, other := range algorithms[:i] {
			if a == other {
				return invalid(a.String(), "is named twice", "name each algorithm once")
			}
		}
	}
	return nil
}

// judgeBits has dkim say why a size cannot be; one that can is not made yet.
func judgeBits(a dkim.Algorithm, bits int) error {
	if a != dkim.RSASHA256 || bits == 0 || dkim.MinBits <= bits && bits <= dkim.MaxBits {
		return nil
	}
	_, err := generateDraft(a, bits)
	return err
}

// parsePrefix reads what the names of slots are to begin with.
func parsePrefix(text, domain string) (string, error) {
	_, err := ParseSelector(fmt.Sprint(text, "e", maxSlots), domain, false)
	var wrong *Invalid
	if errors.As(err, &wrong) {
		wrong.Input = text
	}
	return strings.ToLower(text), err
}

// ParseAlgorithms reads what people call the algorithms of keys: rsa and ed25519.
// The error is an *Invalid.
func ParseAlgorithms(names ...string) ([]dkim.Algorithm, error) {
	var out []dkim.Algorithm
	for _, name := range names {
		switch name {
		case "rsa":
			out = append(out, dkim.RSASHA256)
		case "ed25519":
			out = append(out, dkim.Ed25519SHA256)
		default:
			return nil, invalid(name, "is no algorithm", "say rsa or ed25519")
		}
	}
	return out, nil
}
