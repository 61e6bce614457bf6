package keytable

import (
	"fmt"

	"github.com/postseal/postseal/dkim"
)

// keyFault is why a row cannot sign.
type keyFault struct {
	message, hint string
	cause         error // may be nil
}

func (f *keyFault) Error() string { return f.message }
func (f *keyFault) Unwrap() error { return f.cause }

// rowFault is a keyFault with its row.
type rowFault struct {
	row   int32
	fault *keyFault
}

// outage is the state of a row out of service.
type outage struct {
	problem Problem
	keep    *dkim.PrivateKey // the last good key, which signs on; nil if there is none
}

func (k *keys) retireAll(faults []rowFault) {
	for _, f := range faults {
		k.retire(f.row, f.fault, k.lastGood[f.row])
	}
}

// retire takes a row out of service, or lets the last good key sign on. The first
// reason stands; retire returns nil to those who come later.
func (k *keys) retire(row int32, fault *keyFault, keep *dkim.PrivateKey) *Problem {
	o := outage{problem: k.problem(row, fault), keep: keep}
	if keep != nil {
		o.problem.Message += "; the key read before signs on until the next start"
	}
	if !k.bad[row].CompareAndSwap(nil, &o) {
		return nil
	}
	return &o.problem
}

func (k *keys) problem(row int32, fault *keyFault) Problem {
	return k.table.problem(int(k.rows[row].line), fault.message, fault.hint)
}

// unusable returns why a row cannot sign, nil if it can as far as is known.
func (k *keys) unusable(row int32) *Problem {
	if o := k.bad[row].Load(); o != nil && o.keep == nil {
		return &o.problem
	}
	return nil
}

// checkNames looks for a NAME whose lines must share an algorithm: two would then
// sign, and an old duplicate with a key that was retired long ago. What it cannot
// tell without reading the keys, checkSiblings finds.
func (k *keys) checkNames() {
	for _, first := range k.byName {
		second := k.rows[first].next
		if second == none {
			continue
		}
		a, b := &k.rows[first], &k.rows[second]
		// Of three lines two must share one of the two algorithms.
		if b.next == none && a.key != b.key && (a.algorithm == 0 || a.algorithm != b.algorithm) {
			continue
		}
		other := second
		for row := first; row != none; row = k.rows[row].next {
			k.retire(row, k.duplicate(row, other), nil)
			other = first
		}
	}
}

func (k *keys) duplicate(row, other int32) *keyFault {
	return &keyFault{
		message: fmt.Sprintf("the name %q stands on line %d too, with a key of the same algorithm", k.rows[row].name, k.rows[other].line),
		hint:    "a name has at most one RSA and one Ed25519 key; delete the old line or give it another name",
	}
}
