package verifier

import (
	"sync"

	"github.com/postseal/postseal/dkim"
)

// recordCache keeps parsed key records by their text, which saves parsing the keys of frequent senders. DNS decides how long a text
// is valid; what it means never changes. There are two generations: when the young one is full it becomes the old one, and what is
// used moves back.
type recordCache struct {
	mu         sync.Mutex
	young, old map[string]parsedRecord
}

type parsedRecord struct {
	record *dkim.KeyRecord
	err    error
}

const (
	maxGeneration = 1024 // records
	maxCachedText = 2048 // octets; a key of 8192 bits has 1400
)

func (c *recordCache) parse(txt string) (*dkim.KeyRecord, error) {
	if len(txt) > maxCachedText {
		return dkim.ParseKeyRecord(txt)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.young[txt]
	if ok {
		return p.record, p.err
	}
	if p, ok = c.old[txt]; !ok {
		p.record, p.err = dkim.ParseKeyRecord(txt)
	}
	if c.young == nil || len(c.young) == maxGeneration {
		c.old, c.young = c.young, make(map[string]parsedRecord)
	}
	c.young[txt] = p
	return p.record, p.err
}
