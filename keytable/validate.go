package keytable

import (
	"context"
	"fmt"

	"github.com/postseal/postseal/dkim"
)

// Validate reads every key that is not known to be good yet, takes those that are
// bad out of service, and calls report with each new problem, from one goroutine.
// It fills the cache but pushes nothing out of it. A table of 100,000 RSA keys
// takes some 20 s of one CPU; it ends early with the error of ctx. Weak keys are
// reported as warnings when they are first read.
func (t *Tables) Validate(ctx context.Context, report func(Problem)) error {
	k := &t.keys
	for i := range k.rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		row := int32(i)
		if k.rows[i].source == fromScan || k.bad[i].Load() != nil {
			continue
		}
		if dkim.Algorithm(k.algorithm[i].Load()) == 0 {
			key, err := k.read(row, true, report)
			if err != nil {
				continue
			}
			if key.Weak() {
				report(k.weak(row, key))
			}
		}
		k.checkSiblings(row, k.rows[i].domain, report)
	}
	return nil
}

// weak warns of a key that verifiers accept today (RFC 8301 section 3.2).
func (k *keys) weak(row int32, key *dkim.PrivateKey) Problem {
	p := k.problem(row, &keyFault{
		message: fmt.Sprintf("a key of %d bits is weak", key.Bits()),
		hint:    fmt.Sprintf("make one of %d bits and rotate to it", dkim.RecommendedBits),
	})
	p.Warning = true
	return p
}
