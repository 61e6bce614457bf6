package keytable

import (
	"fmt"
	"iter"

	"github.com/postseal/postseal/dkim"
)

// KeyRef is a key of the KeyTable with the names under which it signs. It stays
// good for a message that began before a reload.
type KeyRef struct {
	Name     string
	Domain   string // for d=, in lower-case A-labels; "%" in Tables.All: the sender's domain
	Selector string // for s=
	// Algorithm is 0 as long as the line does not say it and the key was not
	// read.
	Algorithm dkim.Algorithm

	keys *keys
	row  int32
}

// Private returns the key, from memory or, if it was not used for long, from its
// file. The error is a Problem: the key is bad, and out of service from now on.
func (r KeyRef) Private() (*dkim.PrivateKey, error) { return r.keys.private(r.row, r.Domain) }

// File is the path of the key file, "" for a key that stands in the table.
func (r KeyRef) File() string {
	row := &r.keys.rows[r.row]
	if row.source == fromLine {
		return ""
	}
	return row.filePath(r.keys.table.dir)
}

// Table is the path of the KeyTable and Line the key's place in it.
func (r KeyRef) Table() (path string, line int) {
	return r.keys.table.path, int(r.keys.rows[r.row].line)
}

// Problem is why the key is out of service, nil if it is not as far as is known.
func (r KeyRef) Problem() *Problem { return r.keys.unusable(r.row) }

// String names the key: `key "mail" (example.com, selector s1, /etc/keytable:3)`.
func (r KeyRef) String() string {
	path, line := r.Table()
	return fmt.Sprintf("key %q (%s, selector %s, %s:%d)", r.Name, r.Domain, r.Selector, path, line)
}

func (k *keys) keyRef(row int32) KeyRef {
	r := &k.rows[row]
	algorithm := r.algorithm
	if algorithm == 0 {
		algorithm = dkim.Algorithm(k.algorithm[row].Load())
	}
	return KeyRef{Name: r.name, Domain: r.domain, Selector: r.selector, Algorithm: algorithm, keys: k, row: row}
}

// All yields every key, those out of service too: the lines in the order of the
// file, then the files that lines with "%" in the path found.
func (t *Tables) All() iter.Seq[KeyRef] {
	return func(yield func(KeyRef) bool) {
		for i := range t.keys.rows {
			if t.keys.rows[i].source == fromScan {
				continue
			}
			if !yield(t.keys.keyRef(int32(i))) {
				return
			}
		}
	}
}

// Named returns the keys of a NAME that can sign for a sender's domain, which
// stands in for "%". If there are none, reason says why.
func (t *Tables) Named(name, sender string) (refs []KeyRef, reason string) {
	refs, reason = t.keys.usable(nil, name, sender)
	if len(refs) > 0 {
		reason = ""
	}
	return refs, reason
}

// OfDomain returns the keys that can sign with d=domain, of one selector or, if
// that is empty, of all: one for each selector and algorithm, however many names
// it has. If there are none, reason says why. A line with DOMAIN "%" is of no
// domain unless its path has a "%" too.
func (t *Tables) OfDomain(domain, selector string) (refs []KeyRef, reason string) {
	k := &t.keys
	row, ok := k.byDomain[domain]
	if !ok {
		row = none
	}
	seen := map[string]bool{}
	for ; row != none; row = k.rows[row].nextOfD {
		r := &k.rows[row]
		if selector != "" && r.selector != selector || domain == senderDomain {
			continue
		}
		if p := k.unusable(row); p != nil {
			reason = p.String()
			continue
		}
		if id := r.selector + ":" + k.id(row).text; !seen[id] {
			seen[id] = true
			refs = append(refs, k.keyRef(row))
		}
	}
	switch {
	case len(refs) > 0:
		return refs, ""
	case reason == "" && selector == "":
		reason = fmt.Sprintf("no key of %s in %s", quote(domain), k.table.path)
	case reason == "":
		reason = fmt.Sprintf("no key of %s with selector %s in %s", quote(domain), quote(selector), k.table.path)
	}
	return nil, reason
}
