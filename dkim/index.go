package dkim

// Index finds the fields of a header by name in constant time, for headers of thousands of fields and signatures that name
// hundreds. The zero value is an empty header's.
type Index struct {
	entries map[string]int // lower-case name to entry
	lowest  []int          // by entry: its lowest field
	counts  []int          // by entry
	above   []int          // by field: the next one up of the same name, or -1
	next    []int          // by entry: the field that Instances takes next
	low     []byte         // a name in lower case
}

// Reset makes x the index of f and keeps the memory. The index holds until f changes.
func (x *Index) Reset(f *Fields) {
	if x.entries == nil {
		x.entries = make(map[string]int)
	}
	clear(x.entries)
	x.lowest, x.counts, x.above = x.lowest[:0], x.counts[:0], x.above[:0]
	for i := range f.Len() {
		name := f.Name(i)
		e, known := entryOf(x, name)
		if !known {
			e = len(x.lowest)
			x.entries[string(x.low)] = e
			x.lowest, x.counts = append(x.lowest, -1), append(x.counts, 0)
		}
		x.above = append(x.above, x.lowest[e])
		x.lowest[e] = i
		x.counts[e]++
	}
}

// entryOf looks a name up in any case, without allocating. It leaves the name in lower case in x.low.
func entryOf[S ~string | ~[]byte](x *Index, name S) (entry int, ok bool) {
	x.low = x.low[:0]
	for i := range len(name) {
		x.low = append(x.low, lower(name[i]))
	}
	entry, ok = x.entries[string(x.low)]
	return entry, ok
}

// Count is the number of fields called name, in any case.
func (x *Index) Count(name string) int {
	if e, ok := entryOf(x, name); ok {
		return x.counts[e]
	}
	return 0
}

// Instances appends to dst what Fields.Instances does, but never field skip: a signature does not cover itself, whatever its h=
// says (RFC 6376 section 3.5, h=). A negative skip leaves nothing out.
func (x *Index) Instances(dst []int, names []string, skip int) []int {
	x.next = append(x.next[:0], x.lowest...)
	for _, name := range names {
		e, ok := entryOf(x, name)
		if !ok {
			continue
		}
		i := x.next[e]
		if i == skip && i >= 0 {
			i = x.above[i]
		}
		if i >= 0 {
			dst = append(dst, i)
			x.next[e] = x.above[i]
		} else {
			x.next[e] = -1
		}
	}
	return dst
}
