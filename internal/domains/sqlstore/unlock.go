package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/seal"
)

// probeText is what the probe holds: sealed when the first identity was at hand, it tells whether this one opens what is here.
const probeText = "postseal store"

// unlock reads the identity. Only for a store that never had one it makes the file: an identity that got lost must be brought back,
// a new one would open nothing.
func (s *Store) unlock(ctx context.Context, source seal.Source) error {
	probe, recipients, err := s.probe(ctx)
	if err != nil {
		return err
	}
	s.box, err = seal.Load(ctx, source)
	if errors.Is(err, fs.ErrNotExist) && source.File != "" {
		if probe != nil {
			return fmt.Errorf("%s: the identity %s is missing, and the private keys are sealed to %s: bring it back from its backup, or let a host that has one seal them to this host too (postseal keys rekey)",
				s.name, source.File, recipients)
		}
		if _, err := seal.Create(source); err != nil && !errors.Is(err, fs.ErrExist) { // another process came first
			if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
				err = fmt.Errorf("%w: %w", domains.ErrUnavailable, err)
			}
			return fmt.Errorf("%s: %w", s.name, err)
		}
		s.box, err = seal.Load(ctx, source)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if probe == nil {
		if probe, recipients, err = s.firstProbe(ctx); err != nil {
			return err
		}
	}
	if _, err := s.box.Open(probe); err != nil {
		return fmt.Errorf("%s: %w: the private keys are sealed to %s: %w: bring back the identity that belongs to it, or let a host that has it seal them to this host too (store.recipients there, then postseal keys rekey)",
			s.name, domains.ErrSealed, recipients, err)
	}
	if mine := strings.Join(s.box.Recipients(), " "); mine != recipients {
		s.log.Warn("this host seals new keys to others than the store was last sealed to; on one host, run: postseal keys rekey",
			"store", s.name, "host", mine, "sealed_to", recipients)
	}
	return nil
}

func (s *Store) probe(ctx context.Context) (probe []byte, recipients string, err error) {
	err = s.View(ctx, func(t domains.Tx) error {
		probe, recipients, err = t.(*tx).probe()
		return err
	})
	return probe, recipients, err
}

// firstProbe seals the probe unless another process has done so meanwhile.
func (s *Store) firstProbe(ctx context.Context) (probe []byte, recipients string, err error) {
	err = s.Update(ctx, func(dt domains.Tx) error {
		t := dt.(*tx)
		if probe, recipients, err = t.probe(); err != nil || probe != nil {
			return err
		}
		if err := t.putProbe(); err != nil {
			return err
		}
		probe, recipients, err = t.probe()
		return err
	})
	return probe, recipients, err
}

func (t *tx) probe() (probe []byte, recipients string, err error) {
	err = t.query("SELECT probe, recipients FROM store", nil, []any{octets{&probe}, text[string]{&recipients}}, func() {})
	return probe, recipients, err
}

func (t *tx) putProbe() error {
	probe, err := t.store.box.Seal([]byte(probeText))
	if err != nil {
		return err
	}
	return t.exec("UPDATE store SET probe = $1, recipients = $2", probe, strings.Join(t.store.box.Recipients(), " "))
}

// Recipients are the public keys, age1…, to which this host seals.
func (s *Store) Recipients() []string { return s.box.Recipients() }
