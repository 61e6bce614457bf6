package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/domains"
)

// Store is the managed store, open for looking only.
type Store interface {
	List(ctx context.Context, after string, limit int) ([]domains.Row, error)
	Users(ctx context.Context) ([]domains.User, error)
	Candidates(ctx context.Context, found ...domains.Sighting) ([]domains.Candidate, error)
	RetireAfter(d domains.Domain, k domains.Key) time.Duration
}

// Opened is a store with what was learnt when it was opened.
type Opened struct {
	Store
	Name      string             // without its password
	Sealed    error              // why the identity does not open the private keys
	Sightings []domains.Sighting // domains that mail servers and other sources name
	Close     func() error
}

// Managed is what the store has; nil where none is configured, or nothing was ever put into it.
type Managed struct {
	Name       string
	Err        error // why it cannot be read
	Sealed     error // why the identity does not open the private keys
	Rows       []Managing
	Users      []domains.User
	Candidates []domains.Candidate
}

// Managing is one row of it.
type Managing struct {
	domains.Row
	RetireAfter map[string]time.Duration // by Key.ID
}

// rowsAtOnce are read in one transaction.
const rowsAtOnce = 1000

// stored reads the store. It comes when all that needs root has been looked at: a store is opened as its owner.
func (f *Facts) stored(ctx context.Context, s Sources) {
	if s.Store == nil {
		return
	}
	m := &Managed{Name: s.Config.Store.Shown()}
	opened, err := s.Store(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		m.Err = err
		f.Managed = m
		return
	}
	defer opened.Close()
	m.Name, m.Sealed = opened.Name, opened.Sealed
	m.Err = m.read(ctx, opened)
	f.Managed = m
	f.plainKeys(s)
}

// plainKeys finds key files that hold what the store seals: those from which keys were imported.
func (f *Facts) plainKeys(s Sources) {
	sealed := map[string]bool{}
	for _, row := range f.Managed.Rows {
		for _, k := range row.Keys {
			if !row.Domain.Watched() {
				sealed[k.Print] = true
			}
		}
	}
	if s.Tables == nil || len(sealed) == 0 {
		return
	}
	seen := map[string]bool{}
	for ref := range s.Tables.All() {
		path := ref.File()
		if path == "" || seen[path] || strings.Contains(path, "%") {
			continue
		}
		seen[path] = true
		if key, err := ref.Private(); err == nil && sealed[check.Fingerprint(key.Public())] {
			f.Ours.Plain = append(f.Ours.Plain, absolute(path))
		}
	}
}

func (m *Managed) read(ctx context.Context, s *Opened) (err error) {
	for after := ""; ; {
		rows, err := s.List(ctx, after, rowsAtOnce)
		if err != nil {
			return err
		}
		for _, row := range rows {
			after = row.Domain.Name
			managing := Managing{row, map[string]time.Duration{}}
			for _, k := range row.Keys {
				managing.RetireAfter[k.ID] = s.RetireAfter(row.Domain, k)
			}
			m.Rows = append(m.Rows, managing)
		}
		if len(rows) < rowsAtOnce {
			break
		}
	}
	if m.Users, err = s.Users(ctx); err != nil {
		return err
	}
	m.Candidates, err = s.Candidates(ctx, s.Sightings...)
	return err
}

// of gives the row of a domain, nil if there is none.
func (m *Managed) of(domain string) (row *Managing) {
	if m == nil {
		return nil
	}
	for i := range m.Rows {
		if m.Rows[i].Domain.Name == domain {
			return &m.Rows[i]
		}
	}
	return nil
}

// awaited tells whether a key's record has to be in DNS.
func awaited(k *domains.Key) bool {
	switch k.State {
	case domains.Pending, domains.Ready, domains.Active, domains.Suspended, domains.Retiring:
		return !k.Compromised
	}
	return false
}

// subject is what to ask DNS about a key of the store. There is no probe: its private half stays sealed.
func (m *Managing) subject(k *domains.Key) (check.Subject, error) {
	public, err := x509.ParsePKIXPublicKey(k.Public)
	return check.Subject{
		Domain: k.Domain, Selector: k.Selector, Public: public, Target: k.Target, Via: check.Authoritative,
		Active: k.State == domains.Active, SubDomains: m.Domain.SubDomains, Providers: m.Domain.NameServers,
	}, err
}
