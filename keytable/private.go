package keytable

import (
	"fmt"
	"os"

	"github.com/postseal/postseal/dkim"
)

// private returns the key with which a row signs for a domain, unless the row is
// out of service or turns out to be.
func (k *keys) private(row int32, domain string) (*dkim.PrivateKey, error) {
	key, err := k.read(row, false, k.notice)
	if err != nil {
		return nil, err
	}
	k.checkSiblings(row, domain, k.notice)
	if p := k.unusable(row); p != nil {
		return nil, *p
	}
	return key, nil
}

// read gets a key from the cache, the table or its file, and checks it. A fault
// is remembered, and told to report once.
func (k *keys) read(row int32, warm bool, report func(Problem)) (*dkim.PrivateKey, error) {
	if k.bad[row].Load() != nil {
		return k.fallback(row)
	}
	key, err := k.cache.get(k.id(row), warm, func() (*dkim.PrivateKey, error) { return k.readSource(row, report) })
	if err == nil {
		err = k.checkAlgorithm(row, key)
	}
	switch {
	case err == nil:
		k.learn(row, key)
		return key, nil
	case isTemporary(err):
		return nil, k.problem(row, faultOf(err))
	}
	if p := k.retire(row, faultOf(err), k.lastGood[row]); p != nil {
		report(*p)
	}
	return k.fallback(row)
}

// learn keeps what is told of a key after it has left the cache.
func (k *keys) learn(row int32, key *dkim.PrivateKey) {
	print := key.Fingerprint()
	if known := k.print[row].Load(); known == nil || *known != print {
		k.print[row].Store(&print)
	}
	k.algorithm[row].Store(uint32(key.Algorithm()))
}

// fallback is what a row out of service has to sign with.
func (k *keys) fallback(row int32) (*dkim.PrivateKey, error) {
	o := k.bad[row].Load()
	if o.keep != nil {
		return o.keep, nil
	}
	return nil, o.problem
}

// readSource parses the key of a row.
func (k *keys) readSource(row int32, report func(Problem)) (*dkim.PrivateKey, error) {
	r := &k.rows[row]
	if r.source == fromLine {
		key, err := dkim.ParsePrivateKey(inlineKey(r.key))
		if err != nil {
			return nil, &keyFault{message: "the key in this line: " + err.Error()}
		}
		return key, nil
	}
	path := r.filePath(k.table.dir)
	info, err := os.Stat(path)
	if err != nil {
		return nil, faultOf(err)
	}
	key, err := dkim.LoadPrivateKey(path)
	if err != nil {
		return nil, faultOf(err)
	}
	if pinOf(info) != r.pin {
		report(k.problem(row, &keyFault{
			message: fmt.Sprintf("key file %s has changed since the tables were loaded; the new key is in use", path),
			hint:    "reload, so that the other keys of the tables fit it",
		}))
	}
	return key, nil
}

func (k *keys) checkAlgorithm(row int32, key *dkim.PrivateKey) error {
	if want := k.rows[row].algorithm; want != 0 && want != key.Algorithm() {
		return &keyFault{message: fmt.Sprintf("the line says %v, but its key is for %v", want, key.Algorithm())}
	}
	return nil
}

// checkSiblings takes both lines of a NAME out of service if their keys have the
// same algorithm.
func (k *keys) checkSiblings(row int32, domain string, report func(Problem)) {
	if k.rows[k.byName[k.rows[row].name]].next == none {
		return
	}
	for _, other := range k.named(k.rows[row].name, domain) {
		if other == none || other == row || k.rows[other].source == fromScan || k.bad[other].Load() != nil {
			continue
		}
		if k.algorithm[other].Load() == 0 {
			k.read(other, false, report) // for its algorithm; a fault is remembered
		}
		if a := k.algorithm[other].Load(); a == 0 || a != k.algorithm[row].Load() {
			continue
		}
		for _, pair := range [][2]int32{{row, other}, {other, row}} {
			if p := k.retire(pair[0], k.duplicate(pair[0], pair[1]), nil); p != nil {
				report(*p)
			}
		}
	}
}

// id is what the cache knows the key of a row by.
func (k *keys) id(row int32) keyID {
	r := &k.rows[row]
	if r.source == fromLine {
		return keyID{text: r.key}
	}
	return keyID{text: r.filePath(k.table.dir), pin: r.pin}
}
