// Package storetest has what tests of stores and of their users share: a store in
// memory, the suite that every store must pass, and a wrapper that stops a
// transaction between any two writes.
package storetest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// Memory is a domains.Store for tests. It seals nothing.
type Memory struct {
	mu   sync.RWMutex
	data data
	undo []func()

	listen    sync.Mutex
	listeners map[chan struct{}]bool
}

type data struct {
	version    int64
	lease      domains.Lease
	domains    map[string]domains.Domain
	keys       map[string]domains.Key
	users      map[string]domains.User
	candidates map[string]domains.Candidate
	hosts      map[string]domains.Host // by name and process
	tables     map[string]domains.Declaration
	toldAt     time.Time
	private    map[string][]byte
	runs       map[string][]domains.CheckRun
	notices    map[int64]domains.Notice
	tombstones map[domains.Tombstone]bool
	journal    []domains.Entry
	lastNotice int64
	published  map[[3]string]domains.Published
}

// NewMemory makes an empty store.
func NewMemory() *Memory {
	return &Memory{
		listeners: map[chan struct{}]bool{},
		data: data{
			domains:    map[string]domains.Domain{},
			keys:       map[string]domains.Key{},
			users:      map[string]domains.User{},
			candidates: map[string]domains.Candidate{},
			hosts:      map[string]domains.Host{},
			tables:     map[string]domains.Declaration{},
			private:    map[string][]byte{},
			runs:       map[string][]domains.CheckRun{},
			notices:    map[int64]domains.Notice{},
			tombstones: map[domains.Tombstone]bool{},
			published:  map[[3]string]domains.Published{},
		},
	}
}

// View runs f while nothing is written.
func (m *Memory) View(ctx context.Context, f func(domains.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	return f(&memoryTx{m: m})
}

// Update runs f alone, and takes all of it back if it fails or panics.
func (m *Memory) Update(ctx context.Context, f func(domains.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.undo = nil
	done := false
	defer func() {
		if !done {
			for _, back := range slices.Backward(m.undo) {
				back()
			}
		}
	}()
	if err := f(&memoryTx{m: m, write: true}); err != nil {
		return err
	}
	done = true
	if len(m.undo) > 0 {
		m.announce()
	}
	return nil
}

// Changes gives a channel that receives after each commit.
func (m *Memory) Changes(ctx context.Context) <-chan struct{} {
	c := make(chan struct{}, 1)
	m.listen.Lock()
	m.listeners[c] = true
	m.listen.Unlock()
	context.AfterFunc(ctx, func() {
		m.listen.Lock()
		delete(m.listeners, c)
		close(c)
		m.listen.Unlock()
	})
	return c
}

func (m *Memory) announce() {
	m.listen.Lock()
	defer m.listen.Unlock()
	for c := range m.listeners {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// memoryTx is a transaction of a Memory.
type memoryTx struct {
	m     *Memory
	write bool
}

// put replaces a row and remembers how to take that back.
func put[K comparable, V any](t *memoryTx, rows map[K]V, key K, row V) error {
	t.mustWrite()
	old, was := rows[key]
	t.m.undo = append(t.m.undo, func() {
		if delete(rows, key); was {
			rows[key] = old
		}
	})
	rows[key] = row
	return nil
}

func remove[K comparable, V any](t *memoryTx, rows map[K]V, key K) error {
	t.mustWrite()
	old, was := rows[key]
	if was {
		t.m.undo = append(t.m.undo, func() { rows[key] = old })
		delete(rows, key)
	}
	return nil
}

func (t *memoryTx) mustWrite() {
	if !t.write {
		panic("storetest: a View writes")
	}
}

func get[K comparable, V any](rows map[K]V, key K) (V, error) {
	row, ok := rows[key]
	if !ok {
		return row, domains.ErrNotFound
	}
	return row, nil
}

// above lists up to limit rows with a key above after.
func above[V any](rows map[string]V, after string, limit int) []V {
	var out []V
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		if key > after && len(out) < limit {
			out = append(out, rows[key])
		}
	}
	return out
}

func (t *memoryTx) Domain(name string) (domains.Domain, error) {
	d, err := get(t.m.data.domains, name)
	d.NameServers, d.Aliases = slices.Clone(d.NameServers), slices.Clone(d.Aliases)
	return d, err
}

func (t *memoryTx) Domains(after string, limit int) ([]domains.Domain, error) {
	return above(t.m.data.domains, after, limit), nil
}

func (t *memoryTx) DomainsOf(owner, after string, limit int) ([]domains.Domain, error) {
	all := above(t.m.data.domains, after, len(t.m.data.domains))
	all = slices.DeleteFunc(all, func(d domains.Domain) bool { return d.Owner != owner })
	return all[:min(limit, len(all))], nil
}

func (t *memoryTx) PutDomain(d domains.Domain) error {
	d.NameServers, d.Aliases = slices.Clone(d.NameServers), slices.Clone(d.Aliases)
	return put(t, t.m.data.domains, d.Name, d)
}

func (t *memoryTx) DeleteDomain(name string) error { return remove(t, t.m.data.domains, name) }
func (t *memoryTx) DeleteUser(match string) error  { return remove(t, t.m.data.users, match) }
func (t *memoryTx) Hosts() ([]domains.Host, error) {
	return above(t.m.data.hosts, "", len(t.m.data.hosts)), nil
}

func (t *memoryTx) PutHost(h domains.Host) error {
	return put(t, t.m.data.hosts, h.Name+"\x00"+h.Process, h)
}

func (t *memoryTx) DeleteHost(name, process string) error {
	return remove(t, t.m.data.hosts, name+"\x00"+process)
}

// ordered is the place of a declaration among all.
func ordered(d domains.Declaration) string {
	return strings.Join([]string{d.Domain, d.Selector, d.Print, d.Host}, "\x00")
}

func (t *memoryTx) Declarations(after domains.Declaration, limit int) ([]domains.Declaration, error) {
	return above(t.m.data.tables, ordered(after), limit), nil
}

func (t *memoryTx) DeclarationsOf(domain string) ([]domains.Declaration, error) {
	var out []domains.Declaration
	for _, key := range slices.Sorted(maps.Keys(t.m.data.tables)) {
		if d := t.m.data.tables[key]; d.Domain == domain {
			out = append(out, d)
		}
	}
	return out, nil
}

func (t *memoryTx) PutDeclaration(d domains.Declaration) error {
	return put(t, t.m.data.tables, ordered(d), d)
}

func (t *memoryTx) DeleteDeclaration(d domains.Declaration) error {
	return remove(t, t.m.data.tables, ordered(d))
}

func (t *memoryTx) CandidatesToldAt() (time.Time, error) { return t.m.data.toldAt, nil }

func (t *memoryTx) PutCandidatesToldAt(at time.Time) error {
	t.mustWrite()
	before := t.m.data.toldAt
	t.m.undo = append(t.m.undo, func() { t.m.data.toldAt = before })
	t.m.data.toldAt = at
	return nil
}

func (t *memoryTx) DeleteCandidate(name string) error { return remove(t, t.m.data.candidates, name) }

func (t *memoryTx) User(match string) (domains.User, error) {
	u, err := get(t.m.data.users, match)
	u.Domains = slices.Clone(u.Domains)
	return u, err
}

func (t *memoryTx) Users() ([]domains.User, error) {
	var out []domains.User
	for _, u := range t.m.data.users {
		u.Domains = slices.Clone(u.Domains)
		out = append(out, u)
	}
	slices.SortFunc(out, func(a, b domains.User) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), strings.Compare(a.Match, b.Match))
	})
	return out, nil
}

func (t *memoryTx) UsersOf(owner string) ([]domains.User, error) {
	all, err := t.Users()
	return slices.DeleteFunc(all, func(u domains.User) bool { return u.Owner != owner }), err
}

func (t *memoryTx) PutUser(u domains.User) error {
	u.Domains = slices.Clone(u.Domains)
	return put(t, t.m.data.users, u.Match, u)
}

func (t *memoryTx) Candidate(name string) (domains.Candidate, error) {
	return get(t.m.data.candidates, name)
}

func (t *memoryTx) Candidates(after string, limit int) ([]domains.Candidate, error) {
	return above(t.m.data.candidates, after, limit), nil
}

func (t *memoryTx) PutCandidate(c domains.Candidate) error {
	return put(t, t.m.data.candidates, c.Domain, c)
}

func (t *memoryTx) Key(id string) (domains.Key, error) {
	k, err := get(t.m.data.keys, id)
	k.Public = slices.Clone(k.Public)
	return k, err
}

// keys lists what matches, oldest first.
func (t *memoryTx) keys(match func(*domains.Key) bool) []domains.Key {
	var out []domains.Key
	for _, k := range t.m.data.keys {
		if match(&k) {
			k.Public = slices.Clone(k.Public)
			out = append(out, k)
		}
	}
	slices.SortFunc(out, byAge)
	return out
}

func byAge(a, b domains.Key) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
}

func (t *memoryTx) KeysOf(owner string) ([]domains.Key, error) {
	return t.keys(func(k *domains.Key) bool { return k.Owner == owner }), nil
}

func (t *memoryTx) KeysIn(domain string) ([]domains.Key, error) {
	return t.keys(func(k *domains.Key) bool { return k.Domain == domain }), nil
}

func (t *memoryTx) KeysNamed(domain, selector string) ([]domains.Key, error) {
	out := t.keys(func(k *domains.Key) bool { return k.Domain == domain && k.Selector == selector })
	slices.Reverse(out)
	return out, nil
}

func (t *memoryTx) KeysPrinted(print string) ([]domains.Key, error) {
	return t.keys(func(k *domains.Key) bool { return k.Print == print }), nil
}

func (t *memoryTx) Keys(afterOwner, afterID string, limit int) ([]domains.Key, error) {
	out := t.keys(func(k *domains.Key) bool {
		return k.Owner > afterOwner || k.Owner == afterOwner && k.ID > afterID
	})
	slices.SortFunc(out, func(a, b domains.Key) int {
		return cmp.Or(strings.Compare(a.Owner, b.Owner), strings.Compare(a.ID, b.ID))
	})
	return out[:min(limit, len(out))], nil
}

func (t *memoryTx) Due(at time.Time, limit int) ([]domains.Key, error) {
	out := t.keys(func(k *domains.Key) bool { return !k.NextCheckAt.IsZero() && !k.NextCheckAt.After(at) })
	slices.SortStableFunc(out, func(a, b domains.Key) int { return a.NextCheckAt.Compare(b.NextCheckAt) })
	return out[:min(limit, len(out))], nil
}

func (t *memoryTx) PutKey(k domains.Key) error {
	k.Public = slices.Clone(k.Public)
	return put(t, t.m.data.keys, k.ID, k)
}

func (t *memoryTx) DeleteKey(id string) error {
	remove(t, t.m.data.private, id)
	remove(t, t.m.data.runs, id)
	return remove(t, t.m.data.keys, id)
}

func (t *memoryTx) MarkSigned(id string, at time.Time) error {
	k, err := t.Key(id)
	if err != nil || !at.After(k.LastSignedAt) {
		return nil
	}
	k.LastSignedAt = at
	return t.PutKey(k)
}

func (t *memoryTx) PutPrivate(id string, pem []byte) error {
	return put(t, t.m.data.private, id, slices.Clone(pem))
}

func (t *memoryTx) Private(id string) ([]byte, error) {
	pem, err := get(t.m.data.private, id)
	return slices.Clone(pem), err
}

func (t *memoryTx) DeletePrivate(id string) error { return remove(t, t.m.data.private, id) }

func (t *memoryTx) Append(e domains.Entry) error {
	t.mustWrite()
	before := t.m.data.journal
	t.m.undo = append(t.m.undo, func() { t.m.data.journal = before })
	e.ID = int64(len(before)) + 1
	t.m.data.journal = append(before[:len(before):len(before)], e)
	return nil
}

func (t *memoryTx) Journal(q domains.JournalQuery) ([]domains.Entry, error) {
	var out []domains.Entry
	for _, e := range t.m.data.journal {
		if t.isAbout(&q, &e) && e.ID > q.After && !e.At.Before(q.Since) {
			out = append(out, e)
		}
	}
	switch {
	case q.Limit == 0 || len(out) <= q.Limit:
	case q.Last:
		out = out[len(out)-q.Limit:]
	default:
		out = out[:q.Limit]
	}
	return out, nil
}

func (t *memoryTx) isAbout(q *domains.JournalQuery, e *domains.Entry) bool {
	if q.Owner == "" {
		return q.Domain == "" || e.Domain == q.Domain
	}
	d, domain := t.m.data.domains[e.Domain]
	u, user := t.m.data.users[e.Domain]
	return domain && d.Owner == q.Owner && !e.At.Before(d.OwnFrom()) || user && u.Owner == q.Owner && !e.At.Before(u.OwnedSince)
}

func (t *memoryTx) PutTombstone(s domains.Tombstone) error {
	for old := range t.m.data.tombstones {
		if old.Domain == s.Domain && old.Selector == s.Selector && old.Print == s.Print {
			remove(t, t.m.data.tombstones, old)
		}
	}
	return put(t, t.m.data.tombstones, s, true)
}

func (t *memoryTx) Tombstones(domain, selector string) ([]domains.Tombstone, error) {
	var out []domains.Tombstone
	for s := range t.m.data.tombstones {
		if s.Domain == domain && s.Selector == selector {
			out = append(out, s)
		}
	}
	return out, nil
}

func (t *memoryTx) PutRun(r domains.CheckRun) error {
	r.Records, r.Findings = slices.Clone(r.Records), slices.Clone(r.Findings)
	runs := append([]domains.CheckRun{r}, t.m.data.runs[r.KeyID]...)
	return put(t, t.m.data.runs, r.KeyID, runs[:min(len(runs), domains.HistoryRuns)])
}

func (t *memoryTx) Runs(keyID string, limit int) ([]domains.CheckRun, error) {
	runs := t.m.data.runs[keyID]
	return slices.Clone(runs[:min(len(runs), limit)]), nil
}

func (t *memoryTx) PutNotice(n domains.Notice) error {
	if n.ID == 0 {
		last := t.m.data.lastNotice
		t.m.undo = append(t.m.undo, func() { t.m.data.lastNotice = last })
		t.m.data.lastNotice++
		n.ID = t.m.data.lastNotice
	}
	return put(t, t.m.data.notices, n.ID, n)
}

func (t *memoryTx) Notices(at time.Time, limit int) ([]domains.Notice, error) {
	var out []domains.Notice
	for _, id := range slices.Sorted(maps.Keys(t.m.data.notices)) {
		if n := t.m.data.notices[id]; !n.NextAt.After(at) && len(out) < limit {
			out = append(out, n)
		}
	}
	return out, nil
}

func (t *memoryTx) DeleteNotice(id int64) error { return remove(t, t.m.data.notices, id) }

func (t *memoryTx) Version() (int64, error) { return t.m.data.version, nil }

func (t *memoryTx) Bump() (int64, error) {
	t.mustWrite()
	before := t.m.data.version
	t.m.undo = append(t.m.undo, func() { t.m.data.version = before })
	t.m.data.version++
	return t.m.data.version, nil
}

func (t *memoryTx) Lease() (domains.Lease, error) { return t.m.data.lease, nil }

func (t *memoryTx) PutLease(l domains.Lease) error {
	t.mustWrite()
	before := t.m.data.lease
	t.m.undo = append(t.m.undo, func() { t.m.data.lease = before })
	t.m.data.lease = l
	return nil
}
