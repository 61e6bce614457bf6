package managed

import (
	"context"
	"errors"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// reportEvery is how often the store hears what was signed here.
const reportEvery = time.Minute

// maxSeen bounds the domains that are remembered between two reports.
const maxSeen = 1000

// Signed notes the keys that signed a message, DOMAIN/SELECTOR each; those of files
// are not for the store.
func (m *Managed) Signed(keys []string, at time.Time) {
	for _, name := range keys {
		if of, ours := m.names.Load(name); ours {
			of.(*mark).at.Store(at.UnixMicro())
		}
	}
}

// Unsigned notes a trusted client's mail that nothing signs for.
func (m *Managed) Unsigned(domain string, at time.Time) {
	if domain == m.opts.Own {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.seen[domain]
	switch {
	case s == nil && len(m.seen) >= maxSeen:
		return
	case s == nil:
		s = &domains.Sighting{Domain: domain, Source: "mail"}
		m.seen[domain] = s
	}
	s.Count++
	s.Last = at
}

// Report tells the store every minute, and at the end, what was signed and which
// rows are in use: a key retires only when its last signature, on any host, is old.
// rows are those that the process begins with.
func (m *Managed) Report(ctx context.Context, rows *Rows) {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	tell := func() error {
		host := m.opts.Host
		host.Version = max(rows.Version, m.version.Load()) // Follow may not have begun
		return m.service.HostStarted(ctx, host)
	}
	for {
		switch err := tell(); {
		case err == nil:
			tell = func() error { return m.flush(ctx) }
		case ctx.Err() == nil:
			m.opts.Log.Warn("the store did not hear from this host; it is told again", "error", err)
		}
		select {
		case <-ctx.Done():
			m.leave()
			return
		case <-tick.C:
		}
	}
}

// leave is the last report.
func (m *Managed) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	err := m.flush(ctx)
	if err == nil {
		err = m.service.HostStopped(ctx, "serve@"+m.opts.Host.Name, m.opts.Host)
	}
	if err != nil {
		m.opts.Log.Warn("the store did not hear that this host stops; keys retire later for it", "error", err)
	}
}

// flush reports, and keeps what could not be told.
func (m *Managed) flush(ctx context.Context) error {
	signed := map[string]time.Time{}
	m.marks.Range(func(id, at any) bool {
		if micros := at.(*mark).at.Swap(0); micros != 0 {
			signed[id.(string)] = time.UnixMicro(micros)
		}
		return true
	})
	host := m.opts.Host
	host.Version = m.version.Load()
	twins, err := m.service.HostReports(ctx, host, signed)
	if err != nil {
		for id, at := range signed {
			m.mark(id).at.CompareAndSwap(0, at.UnixMicro())
		}
	} else {
		m.noteTwins(twins)
		m.prune(time.Now())
	}
	return errors.Join(err, m.flushSeen(ctx))
}

// markFor is how long after a key was replaced a message that began before may still be
// signed with it: as long as a connection may idle in the middle of one, and some more.
const markFor = 3 * time.Hour

// hold notes which keys may sign from now on, DOMAIN/SELECTOR by ID.
func (m *Managed) hold(names map[string]string, now time.Time) {
	for id, name := range names {
		of := m.mark(id)
		of.gone.Store(0)
		m.names.Store(name, of)
	}
	m.marks.Range(func(id, of any) bool {
		if _, held := names[id.(string)]; !held {
			of.(*mark).gone.CompareAndSwap(0, now.UnixMicro())
		}
		return true
	})
}

// prune forgets keys that stopped signing long ago and of which everything is told.
func (m *Managed) prune(now time.Time) {
	over := func(of *mark) bool {
		gone := of.gone.Load()
		return gone != 0 && of.at.Load() == 0 && now.Sub(time.UnixMicro(gone)) > markFor
	}
	m.names.Range(func(name, of any) bool {
		if over(of.(*mark)) {
			m.names.CompareAndDelete(name, of)
		}
		return true
	})
	m.marks.Range(func(id, of any) bool {
		if over(of.(*mark)) {
			m.marks.CompareAndDelete(id, of)
		}
		return true
	})
}

// noteTwins says once that others report under this host's name, and once that they are
// gone.
func (m *Managed) noteTwins(twins int) {
	switch {
	case twins > 0 && !m.twins:
		m.opts.Log.Error("another daemon uses the store under this host's name", "host", m.opts.Host.Name, "process", m.opts.Host.Process)
	case twins == 0 && m.twins:
		m.opts.Log.Info("no other daemon uses the store under this host's name any more", "host", m.opts.Host.Name)
	}
	m.twins = twins > 0
}

func (m *Managed) flushSeen(ctx context.Context) error {
	m.mu.Lock()
	seen := m.seen
	m.seen = map[string]*domains.Sighting{}
	m.mu.Unlock()
	if len(seen) == 0 {
		return nil
	}
	all := make([]domains.Sighting, 0, len(seen))
	for _, s := range seen {
		all = append(all, *s)
	}
	return m.service.Seen(ctx, all)
}
