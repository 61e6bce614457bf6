package keytable

import (
	"cmp"
	"container/list"
	"errors"
	"strings"
	"sync"

	"github.com/postseal/postseal/dkim"
)

// cache holds the parsed keys that were used last. All generations of tables
// share one, so what a reload did not change is not parsed again.
type cache struct {
	capacity int

	mu      sync.Mutex
	keys    map[keyID]*list.Element // of cached
	recent  *list.List              // most recently used first
	reading map[keyID]*reading
}

// keyID is a key as some tables know it: a path with the looks of the file, or
// the text of a key that stands in a table.
type keyID struct {
	text string
	pin  pin
}

type cached struct {
	id  keyID
	key *dkim.PrivateKey
}

// reading is a key that is being read and those who wait for it.
type reading struct {
	done chan struct{}
	key  *dkim.PrivateKey
	err  error
}

func cacheFor(o Options) *cache {
	var c *cache
	capacity := o.KeysCached
	if o.Prev != nil {
		c = o.Prev.keys.cache
		capacity = cmp.Or(capacity, c.capacity)
	}
	capacity = max(cmp.Or(capacity, defaultKeysCached), 1)
	if c != nil && c.capacity == capacity {
		return c
	}
	return &cache{
		capacity: capacity,
		keys:     map[keyID]*list.Element{},
		recent:   list.New(),
		reading:  map[keyID]*reading{},
	}
}

// get returns the key of that id, reading it if need be; of several callers one
// reads and the others wait. Errors are not kept. A caller that only warms the
// cache pushes nobody's key out of it.
func (c *cache) get(id keyID, warm bool, read func() (*dkim.PrivateKey, error)) (*dkim.PrivateKey, error) {
	c.mu.Lock()
	if e, ok := c.keys[id]; ok {
		c.recent.MoveToFront(e)
		c.mu.Unlock()
		return e.Value.(*cached).key, nil
	}
	if r, ok := c.reading[id]; ok {
		c.mu.Unlock()
		<-r.done
		return r.key, r.err
	}
	r := &reading{done: make(chan struct{}), err: errors.New("reading the key was interrupted")}
	c.reading[id] = r
	c.mu.Unlock()

	defer c.finish(id, r, warm) // also when read panics, for those who wait
	r.key, r.err = read()
	return r.key, r.err
}

func (c *cache) finish(id keyID, r *reading, warm bool) {
	c.mu.Lock()
	delete(c.reading, id)
	if r.err == nil && !(warm && len(c.keys) >= c.capacity) {
		id.text = strings.Clone(id.text) // else the key would hold the text of its whole table, after reloads too
		c.keys[id] = c.recent.PushFront(&cached{id, r.key})
	}
	for len(c.keys) > c.capacity {
		oldest := c.recent.Remove(c.recent.Back()).(*cached)
		delete(c.keys, oldest.id)
	}
	c.mu.Unlock()
	close(r.done)
}

// peek returns the key of that id if it is in the cache, nil otherwise.
func (c *cache) peek(id keyID) *dkim.PrivateKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.keys[id]; ok {
		return e.Value.(*cached).key
	}
	return nil
}
