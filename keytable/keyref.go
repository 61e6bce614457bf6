package keytable

import (
	"fmt"
	"iter"
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/mailaddr"
)

// KeyRef is a key of the KeyTable with the names under which it signs. It stays
// good for a message that began before a reload.
type KeyRef struct {
	Name     string
	Domain   string // for d=, in lower-case A-labels; "%" outside of a Match: the sender's domain
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

// Fingerprint names the pair as it was when the key was last read; a key that nobody
// has read yet is read for it. The error is a Problem.
func (r KeyRef) Fingerprint() (dkim.Fingerprint, error) {
	if print := r.keys.print[r.row].Load(); print != nil && r.keys.bad[r.row].Load() == nil {
		return *print, nil
	}
	key, err := r.keys.read(r.row, true, r.keys.notice)
	if err != nil {
		return dkim.Fingerprint{}, err
	}
	return key.Fingerprint(), nil
}

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

// KeysOf returns the keys that a configuration names, those out of service too:
//
//	NAME                 all keys of a name of the KeyTable
//	DOMAIN               all keys that sign with d=DOMAIN
//	DOMAIN/SELECTOR      of these the one with the selector
//	/SELECTOR            the same, if one domain only has the selector
//
// Keys whose domain is the sender's cannot be named.
func (t *Tables) KeysOf(name string) ([]KeyRef, error) {
	refs := t.named(name)
	if domain, selector, found := strings.Cut(name, "/"); len(refs) == 0 && found && domain == "" {
		return t.ofSelector(selector)
	} else if len(refs) == 0 {
		refs = t.ofDomain(domain, selector)
	}
	if len(refs) == 0 {
		return nil, fmt.Errorf("no key %s in the KeyTable; want NAME, DOMAIN or DOMAIN/SELECTOR", quote(name))
	}
	for _, ref := range refs {
		if ref.Domain == senderDomain {
			return nil, fmt.Errorf("%v has no domain of its own", ref)
		}
	}
	return refs, nil
}

func (t *Tables) named(name string) (refs []KeyRef) {
	for line := range t.keys.named(name, "") {
		refs = append(refs, t.keys.keyRef(line))
	}
	return refs
}

// ofDomain gives one key for each selector and key source, however many names it
// has.
func (t *Tables) ofDomain(domain, selector string) (refs []KeyRef) {
	k := &t.keys
	ascii, err := mailaddr.ALabels(domain)
	if err != nil {
		return nil
	}
	type identity struct{ selector, source string }
	seen := map[identity]bool{}
	for _, row := range k.byDomain()[ascii] {
		id := identity{k.rows[row].selector, k.id(row).text}
		if selector != "" && selector != id.selector || seen[id] {
			continue
		}
		seen[id] = true
		refs = append(refs, k.keyRef(row))
	}
	return refs
}

func (t *Tables) ofSelector(selector string) ([]KeyRef, error) {
	domain := ""
	for i := range t.keys.rows {
		r := &t.keys.rows[i]
		if r.selector != selector || r.domain == senderDomain || r.domain == domain {
			continue
		}
		if domain != "" {
			return nil, fmt.Errorf("the selector %s is that of %s and of %s; write DOMAIN/SELECTOR", quote(selector), domain, r.domain)
		}
		domain = r.domain
	}
	if domain == "" {
		return nil, fmt.Errorf("no key with the selector %s in the KeyTable", quote(selector))
	}
	return t.ofDomain(domain, selector), nil
}
