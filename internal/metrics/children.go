package metrics

import "sync"

// children are the series of a vector that were asked for, so that counting is a look
// into a map of typed keys and an addition.
type children[K comparable, V any] struct {
	mu   sync.RWMutex
	all  map[K]V
	make func(K) V
}

func newChildren[K comparable, V any](child func(K) V) *children[K, V] {
	return &children[K, V]{all: map[K]V{}, make: child}
}

// of gives the series of a kind.
func (c *children[K, V]) of(kind K) V {
	c.mu.RLock()
	v, ok := c.all[kind]
	c.mu.RUnlock()
	if ok {
		return v
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok = c.all[kind]; !ok {
		v = c.make(kind)
		c.all[kind] = v
	}
	return v
}
