package keytable

import (
	"context"

	"github.com/postseal/postseal/dkim"
)

// Validate reads every key that is not known to be good yet, takes those that are
// bad out of service, and calls report with each new problem, from one goroutine.
// It fills the cache but pushes nothing out of it. A table of 100,000 RSA keys
// takes some 20 s of one CPU; it ends early with the error of ctx.
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
			if _, err := k.read(row, true, report); err != nil {
				continue
			}
		}
		k.checkSiblings(row, k.rows[i].domain, report)
	}
	return nil
}
