package dkim

import "strings"

// HeaderSet is a compiled Selection. It does not change and may be shared.
type HeaderSet struct {
	entries []entry
	index   map[string]int // lower-case name to entry
	extras  []int          // the oversigned entries, as configured
}

type entry struct {
	name []byte
	mode mode
}

// mode says how far a name is covered; each covers what the one before it does.
type mode uint8

const (
	sign mode = iota
	oversign
	oversignAbsent
)

func (s *HeaderSet) add(name string, m mode) {
	key := strings.ToLower(name)
	i, known := s.index[key]
	if !known {
		i = len(s.entries)
		s.index[key] = i
		s.entries = append(s.entries, entry{name: []byte(name)})
	}
	if m >= oversign && s.entries[i].mode < oversign {
		s.extras = append(s.extras, i)
	}
	s.entries[i].mode = max(s.entries[i].mode, m)
}

// Covers tells whether fields of a name are covered where a message has them.
func (s *HeaderSet) Covers(name string) bool {
	_, known := s.index[strings.ToLower(name)]
	return known
}

// Choice is what a signature covers of one message. Choose fills it anew and keeps its memory. Names belongs to the Fields and the
// HeaderSet it was made from.
type Choice struct {
	Instances []int    // indexes of the fields, in the order in which they are hashed
	Names     [][]byte // of h=; those beyond the instances stand for fields that do not exist

	slots []slot
	last  []int // by entry of the set: its last slot, or -1
}

// slot is a covered field, in the order of the message.
type slot struct{ field, entry, above int }

// Choose picks the covered fields of f. h= follows the message's order and spelling, with the oversigned names at the end. Where
// a name stands in h= more than once, its fields are taken from the bottom up (RFC 6376 section 5.4.2).
func (s *HeaderSet) Choose(f *Fields, c *Choice) {
	c.Instances, c.Names, c.slots, c.last = c.Instances[:0], c.Names[:0], c.slots[:0], c.last[:0]
	for range s.entries {
		c.last = append(c.last, -1)
	}
	for i := range f.Len() {
		if e, ok := s.lookup(f.Name(i)); ok {
			c.slots = append(c.slots, slot{field: i, entry: e, above: c.last[e]})
			c.last[e] = len(c.slots) - 1
			c.Names = append(c.Names, f.Name(i))
		}
	}
	c.addOversigned(s)
	for _, at := range c.slots { // c.last walks up from the bottom, once for each name
		from := c.slots[c.last[at.entry]]
		c.Instances = append(c.Instances, from.field)
		c.last[at.entry] = from.above
	}
}

func (c *Choice) addOversigned(s *HeaderSet) {
	for _, e := range s.extras {
		if s.entries[e].mode == oversignAbsent || c.last[e] >= 0 {
			c.Names = append(c.Names, s.entries[e].name)
		}
	}
}

// lookup finds the entry of a name in any case, without allocating.
func (s *HeaderSet) lookup(name []byte) (entry int, ok bool) {
	var low [maxNameLen]byte
	if len(name) > len(low) {
		return 0, false
	}
	for i, c := range name {
		low[i] = lower(c)
	}
	entry, ok = s.index[string(low[:len(name)])]
	return entry, ok
}
