package keytable

import (
	"strings"
)

// signing are the rows of a SigningTable with the index of one of the two
// lookups. Rows of the same key are chained in the order of the file, so a lookup
// costs the same in ten rows as in 100,000, but for refile patterns of unusual
// form, which are tried one by one.
type signing struct {
	table  table
	refile bool
	rows   []signRow
	first  map[string]int32    // index key -> first row
	others []wild              // refile only: rows without a key, in order
	faults map[int32]*keyFault // of rows that match but cannot sign
}

// wild is a pattern that must be tried.
type wild struct {
	glob string
	row  int32
}

func (s *signing) load(spec string, k *keys, problems *[]Problem, fatal *Problems) {
	if spec == "" {
		return
	}
	var err error
	if s.table, s.refile, err = openTable(spec); err != nil {
		*fatal = append(*fatal, Problem{Path: s.table.path, Message: "cannot read the SigningTable: " + err.Error(), Hint: tableHint(err, s.table.path, "sign.signingtable")})
		return
	}
	s.faults = map[int32]*keyFault{}
	s.rows = make([]signRow, 0, s.table.lineCount())
	keys := make([]string, 0, cap(s.rows))
	s.table.eachLine(fatal, func(line int, text string) {
		row, syntax, fault := parseSignRow(text)
		if syntax != nil {
			s.table.fail(fatal, line, *syntax)
			return
		}
		row.line = int32(line)
		key, dead := s.index(&row)
		if dead != nil {
			s.table.fail((*Problems)(problems), line, *dead)
			return
		}
		if fault != nil {
			s.faults[int32(len(s.rows))] = fault
		}
		s.rows = append(s.rows, row)
		keys = append(keys, key)
	})
	s.link(keys)
	s.check(k, problems)
}

// index finds the key of a row, "" if it must be tried. A row that can never
// match (dead) has no place in the table.
func (s *signing) index(row *signRow) (key string, dead *keyFault) {
	if !s.refile {
		key, row.scope, dead = indexPlain(row.pattern)
		return key, dead
	}
	glob, key, scope, dead := indexWild(row.pattern)
	row.scope = scope
	if dead == nil && key == "" {
		s.others = append(s.others, wild{glob, int32(len(s.rows))})
	}
	return key, dead
}

// link chains the rows of each key. keys has one for each row.
func (s *signing) link(keys []string) {
	s.first = make(map[string]int32, len(keys))
	for i := len(keys) - 1; i >= 0; i-- {
		if keys[i] == "" {
			continue
		}
		if after, ok := s.first[keys[i]]; ok {
			s.rows[i].next = after
		}
		s.first[keys[i]] = int32(i)
	}
}

// check names the rows that cannot sign: with an unknown key or an identity
// outside of its domain.
func (s *signing) check(k *keys, problems *[]Problem) {
	for i := range s.rows {
		r := &s.rows[i]
		if f := s.faults[int32(i)]; f != nil {
			s.table.fail((*Problems)(problems), int(r.line), *f)
			continue
		}
		for name := range strings.SplitSeq(r.names, ",") {
			for _, f := range s.checkName(r, name, k) {
				s.table.fail((*Problems)(problems), int(r.line), *f)
			}
		}
	}
}

// checkName says what is wrong with one name of a row.
func (s *signing) checkName(r *signRow, name string, k *keys) (faults []*keyFault) {
	if name == senderDomain {
		return nil
	}
	line, ok := k.byName[name]
	if !ok {
		return []*keyFault{k.unknown(name)}
	}
	for ; line != none; line = k.rows[line].next {
		if k.bad[line].Load() != nil {
			continue
		}
		if f := r.checkIdentity(&k.rows[line]); f != nil {
			faults = append(faults, f)
		}
	}
	return faults
}

// unknown says that there is no key of a name, and which one may be meant.
func (k *keys) unknown(name string) *keyFault {
	f := &keyFault{message: k.noKey(name)}
	if near, ok := k.folded()[lower(name)]; ok {
		f.hint = "names are case-sensitive: there is " + quote(near)
	}
	return f
}

func (k *keys) noKey(name string) string {
	if k.table.path == "" {
		return "no key named " + quote(name) + ": there is no KeyTable"
	}
	return "no key named " + quote(name) + " in " + k.table.path
}
