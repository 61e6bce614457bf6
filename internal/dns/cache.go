package dns

import (
	"container/list"
	"sync"
	"time"
)

// cache keeps findings until they expire, the most recently used ones if there is no room for all. A nil *cache keeps nothing.
type cache struct {
	now       func() time.Time
	maxNames  int
	maxWeight int

	mu     sync.Mutex
	byName map[string]*list.Element // of cached
	recent *list.List               // most recently used first
	weight int
}

type cached struct {
	name    string
	finding finding
}

// perName is how much memory a name may take on the average; a key record takes 0.5 to 1 KiB.
const perName = 1 << 10

func newCache(names int, now func() time.Time) *cache {
	return &cache{now: now, maxNames: names, maxWeight: names * perName, byName: map[string]*list.Element{}, recent: list.New()}
}

// get is not ok if the name is not cached.
func (c *cache) get(name string) (answer Answer, err error, ok bool) {
	if c == nil {
		return Answer{}, nil, false
	}
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	element := c.byName[name]
	if element == nil {
		return Answer{}, nil, false
	}
	found := element.Value.(cached).finding
	if !now.Before(found.expires) {
		c.remove(element)
		return Answer{}, nil, false
	}
	c.recent.MoveToFront(element)
	answer, err = found.unpack(now)
	return answer, err, true
}

// put keeps a finding unless it has expired or would take more than a sixteenth of the room.
func (c *cache) put(name string, f finding) {
	if c == nil || !c.now().Before(f.expires) || f.weight() > c.maxWeight/16 && f.weight() > perName {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.byName[name]; old != nil {
		c.remove(old)
	}
	c.byName[name] = c.recent.PushFront(cached{name, f})
	c.weight += f.weight()
	for len(c.byName) > c.maxNames || c.weight > c.maxWeight {
		c.remove(c.recent.Back())
	}
}

func (c *cache) remove(element *list.Element) {
	entry := c.recent.Remove(element).(cached)
	delete(c.byName, entry.name)
	c.weight -= entry.finding.weight()
}
