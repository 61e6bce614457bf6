package keytable

import "github.com/postseal/postseal/dkim"

// inherit takes from the tables before what is known about keys that are the same
// still, and the last good key of each row whose key is not: should the new one
// turn out to be bad, the row signs on with the old one, which is published under
// the same selector.
func (k *keys) inherit(prev *keys) {
	for i := range k.rows {
		row := int32(i)
		r := &k.rows[row]
		old := prev.same(r)
		if old == none || r.source == fromScan || k.bad[row].Load() != nil {
			continue
		}
		algorithm := dkim.Algorithm(prev.algorithm[old].Load())
		if prev.bad[old].Load() == nil && algorithm != 0 && k.id(row) == prev.id(old) {
			if r.algorithm == 0 || r.algorithm == algorithm {
				k.print[row].Store(prev.print[old].Load())
				k.algorithm[row].Store(uint32(algorithm))
			}
			continue
		}
		if key := prev.good(old); key != nil && k.checkAlgorithm(row, key) == nil {
			if k.lastGood == nil {
				k.lastGood = map[int32]*dkim.PrivateKey{}
			}
			k.lastGood[row] = key
		}
	}
}

// same finds the row of the same name, domain and selector.
func (k *keys) same(r *keyRow) int32 {
	lines := 0
	for _, row := range k.named(r.name, r.domain) {
		if row != none && k.rows[row].source != fromScan &&
			k.rows[row].domain == r.domain && k.rows[row].selector == r.selector {
			return row
		}
		if lines++; lines == 2 { // a name with more is out of service
			break
		}
	}
	return none
}

// good returns the key that a row signs with if it is in memory, nil otherwise.
func (k *keys) good(row int32) *dkim.PrivateKey {
	if o := k.bad[row].Load(); o != nil {
		return o.keep
	}
	if key := k.cache.peek(k.id(row)); key != nil {
		return key
	}
	if k.algorithm[row].Load() == 0 {
		return k.lastGood[row] // the row's own key was never read
	}
	return nil
}
