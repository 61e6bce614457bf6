package keytable

import "strings"

// lookup is one search in a SigningTable.
type lookup struct {
	signing *signing
	query   Query
	login   string  // in lower case
	found   []int32 // rows
	trace   *trace
}

// keySize holds every address that mailaddr returns: 256 octets, "@", 253.
const keySize = 512

// plain looks for the keys of a "file:" table in OpenDKIM's order.
func (l *lookup) plain() {
	var space [keySize]byte
	user := append(appendLower(space[:0], l.query.Sender.Local), '@')
	key := user
	for domain := l.query.Sender.Domain; ; {
		key = append(key[:len(user)], domain...)
		if l.rows(key) || l.rows(key[len(user):]) {
			return
		}
		dot := strings.IndexByte(domain[1:], '.')
		if dot < 0 {
			break
		}
		domain = domain[1+dot:]
	}
	key = append(key[:len(user)], '*')
	_ = l.rows(key) || l.rows(key[len(user):])
}

// rows takes the rows of a key that are for the user and reports whether the
// search is over.
func (l *lookup) rows(key []byte) (over bool) {
	row, ok := l.signing.first[string(key)]
	if !ok {
		l.trace.miss(l.signing, key)
		return false
	}
	for ; row != none; row = l.signing.rows[row].next {
		if l.take(row) {
			return true
		}
	}
	return false
}

// MatchLogin reports whether a login name matches a pattern in which "*" is any
// text. Case has no meaning: many servers take a login in any case and hand it on
// as it was typed. No pattern matches the empty name of a client that did not
// authenticate.
func MatchLogin(pattern, login string) bool {
	return login != "" && match(lower(pattern), lower(login))
}

// take adds a row if it is for the user and reports whether the search is over.
func (l *lookup) take(row int32) (over bool) {
	r := &l.signing.rows[row]
	switch {
	case r.user != "" && !MatchLogin(r.user, l.login):
		l.trace.passed(l.signing, row, "it is for other users")
		return false
	case r.user == "" && l.query.RequireUser:
		l.trace.passed(l.signing, row, "it has no user=, which is required")
		return false
	}
	l.found = append(l.found, row)
	return !l.query.Multiple
}

// wild walks the lines of a "refile:" table. The index gives the chains of rows
// that match; of their heads and the next unindexed pattern that matches, the
// first in the file is taken.
func (l *lookup) wild() {
	var space [keySize]byte
	var heads [16]int32
	address := append(appendLower(space[:0], l.query.Sender.Local), '@')
	address = append(address, l.query.Sender.Domain...)
	chains := l.chains(heads[:0], address)
	others := unindexed{rows: l.signing.others, subject: string(address), lookup: l}
	for {
		first := -1 // the chain with the first row
		for i, row := range chains {
			if row != none && (first < 0 || row < chains[first]) {
				first = i
			}
		}
		row := int32(none)
		if first >= 0 {
			row = chains[first]
		}
		if other := others.before(row); other != none {
			row = other
		} else if row == none {
			return
		} else {
			chains[first] = l.signing.rows[row].next
		}
		if l.take(row) {
			return
		}
	}
}

// chains appends the first row of each chain whose pattern matches.
func (l *lookup) chains(dst []int32, address []byte) []int32 {
	at := len(l.query.Sender.Local)
	if at > 0 { // else "@example.com" would be found twice
		dst = l.chain(dst, address)
	}
	dst = l.chain(dst, address[at:])
	for i := at + 1; i < len(address); i++ {
		if address[i] == '.' {
			dst = l.chain(dst, address[i:])
		}
	}
	return dst
}

func (l *lookup) chain(dst []int32, key []byte) []int32 {
	if row, ok := l.signing.first[string(key)]; ok {
		return append(dst, row)
	}
	l.trace.miss(l.signing, key)
	return dst
}

// unindexed walks the patterns that must be tried.
type unindexed struct {
	rows    []wild
	subject string
	lookup  *lookup
}

// before returns the next row that matches and comes before another, none if
// there is none.
func (u *unindexed) before(row int32) int32 {
	for len(u.rows) > 0 && (row == none || u.rows[0].row < row) {
		w := u.rows[0]
		u.rows = u.rows[1:]
		if match(w.glob, u.subject) {
			return w.row
		}
		u.lookup.trace.passed(u.lookup.signing, w.row, "its pattern does not match")
	}
	return none
}
