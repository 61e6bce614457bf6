package sqlstore

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

const signedAtOnce = 500 // keys in one statement: two places each, far below both engines' bounds

// MarkSigned sets LastSignedAt of many keys at once where the time given is later than the store's: what a host has collected
// since it did so last. Keys that are gone are passed over.
func (s *Store) MarkSigned(ctx context.Context, signed map[string]time.Time) error {
	if len(signed) == 0 {
		return nil
	}
	ids := slices.Sorted(maps.Keys(signed))
	return s.Update(ctx, func(dt domains.Tx) error {
		for some := range slices.Chunk(ids, signedAtOnce) {
			var rows []string
			var args []any
			for _, id := range some {
				n := len(args)
				rows = append(rows, "($"+strconv.Itoa(n+1)+", CAST($"+strconv.Itoa(n+2)+" AS BIGINT))")
				args = append(args, id, micros(signed[id]))
			}
			// both engines name the columns of VALUES column1 and column2
			if err := dt.(*tx).exec("UPDATE keys SET last_signed_at = v.column2 FROM (VALUES "+strings.Join(rows, ", ")+
				") AS v WHERE keys.id = v.column1 AND keys.last_signed_at < v.column2", args...); err != nil {
				return err
			}
		}
		return nil
	})
}
