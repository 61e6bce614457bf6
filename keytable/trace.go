package keytable

import "fmt"

// maxTrace bounds what a person is told; a table may have 100,000 lines.
const maxTrace = 200

// trace puts what a lookup does into words. A nil trace costs nothing.
type trace struct {
	tell func(line string)
	told int
}

func (tr *trace) add(text string) {
	if tr == nil || tr.told > maxTrace {
		return
	}
	if tr.told++; tr.told > maxTrace {
		text = "... and so on"
	}
	tr.tell(text)
}

// miss tells of an index key that no line has, in the words of the table.
func (tr *trace) miss(s *signing, key []byte) {
	if tr == nil {
		return
	}
	pattern := string(key)
	switch {
	case s.refile && key[0] == '@':
		pattern = "*" + pattern
	case s.refile && key[0] == '.':
		pattern = "*@*" + pattern
	}
	tr.add(fmt.Sprintf("%s: no line for %s", s.table.path, quote(pattern)))
}

// passed tells of a row that was looked at and not taken.
func (tr *trace) passed(s *signing, row int32, why string) {
	if tr == nil {
		return
	}
	r := &s.rows[row]
	tr.add(fmt.Sprintf("%s:%d: pattern %s passed over: %s", s.table.path, r.line, quote(r.pattern), why))
}

// match tells of a row that was taken.
func (tr *trace) match(m Match) {
	if tr == nil {
		return
	}
	tr.add(fmt.Sprintf("%s: pattern %s matches", m.Row.Position(), quote(m.Row.Pattern)))
	if m.OutOfService != "" {
		tr.add(fmt.Sprintf("%s: out of service: %s", m.Row.Position(), m.OutOfService))
	}
	for _, key := range m.Keys {
		tr.add(fmt.Sprintf("%s: signs with %v", m.Row.Position(), key))
	}
}
