package managed

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postseal/postseal/dkim"
)

// vault keeps the private halves that may sign: all of them in PEM, as many parsed
// as are allowed. A parsed RSA key takes three times the memory.
type vault struct {
	fetch func(ctx context.Context, id string) (*dkim.PrivateKey, error)
	most  int // parsed

	mu     sync.Mutex
	halves map[string]*half // by key ID
	parsed int
}

func newVault(fetch func(context.Context, string) (*dkim.PrivateKey, error), most int) *vault {
	return &vault{fetch: fetch, most: max(1, most), halves: map[string]*half{}}
}

// half is the private half of one key. It stays good for a message that began
// before the key was replaced.
type half struct {
	vault *vault
	id    string
	name  string // DOMAIN/SELECTOR

	key  atomic.Pointer[dkim.PrivateKey]
	warm atomic.Bool // pem is there

	mu       sync.Mutex // held while the store is asked; vault.mu may be taken after it, never before
	pem      []byte
	failure  error // of the last attempt
	failedAt time.Time
}

// hold says which keys may sign from now on; the others are forgotten.
func (v *vault) hold(names map[string]string) map[string]*half {
	v.mu.Lock()
	defer v.mu.Unlock()
	held := make(map[string]*half, len(names))
	for id, name := range names {
		h := v.halves[id]
		if h == nil {
			h = &half{vault: v, id: id, name: name}
		}
		held[id] = h
	}
	for id, h := range v.halves {
		if held[id] == nil && h.key.Load() != nil {
			v.parsed--
		}
	}
	v.halves = held
	return held
}

// cold lists the halves that were not fetched yet.
func (v *vault) cold() []*half {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []*half
	for _, h := range v.halves {
		if !h.warm.Load() {
			all = append(all, h)
		}
	}
	return all
}

// fetchTimeout bounds what a message may wait for a key that was never used.
const fetchTimeout = 5 * time.Second

// Private implements policy.PrivateHalf.
func (h *half) Private() (*dkim.PrivateKey, error) {
	if key := h.key.Load(); key != nil {
		return key, nil
	}
	return h.wait(time.Now())
}

// wait loads the key for a message that asks since a time. Messages that waited
// behind an attempt that failed share its outcome: one after the other they would wait
// longer than any MTA does.
func (h *half) wait(since time.Time) (*dkim.PrivateKey, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if key := h.key.Load(); key != nil {
		return key, nil
	}
	if h.failedAt.After(since) {
		return nil, h.failure
	}
	key, err := h.load()
	if err != nil {
		h.failure, h.failedAt = fmt.Errorf("key %s of the store: %w", h.name, err), time.Now()
		return nil, h.failure
	}
	h.vault.warmed(h, key)
	return key, nil
}

func (h *half) load() (*dkim.PrivateKey, error) {
	if h.pem != nil {
		return dkim.ParsePrivateKey(h.pem)
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	key, err := h.vault.fetch(ctx, h.id)
	if err != nil {
		return nil, err
	}
	if h.pem, err = key.PEM(); err != nil {
		return nil, err
	}
	h.warm.Store(true)
	return key, nil
}

// warmed keeps a parsed key, and gives up another if there are too many: any,
// since keys that are much in use are soon back.
func (v *vault) warmed(h *half, key *dkim.PrivateKey) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.halves[h.id] != h {
		return // forgotten meanwhile
	}
	h.key.Store(key)
	v.parsed++
	for _, other := range v.halves {
		if v.parsed <= v.most {
			return
		}
		if other != h && other.key.Swap(nil) != nil {
			v.parsed--
		}
	}
}
