package domains

import (
	"context"
	"slices"

	"github.com/postseal/postseal/internal/check"
)

// stopLeaked stops a pair whose private half a check has found in DNS (D309), where everybody can read it: it is compromised,
// whatever will stand there afterwards.
func (s *Service) stopLeaked(ctx context.Context, actor string, k Key, r *check.Result) error {
	if k.Compromised || !leaked(r) {
		return nil
	}
	own, err := s.managed(ctx, k)
	if err != nil || own.ID == "" {
		return err
	}
	_, err = s.Compromised(ctx, actor, own.Owner, CompromiseRequest{Selector: own.Selector, Yes: true, key: own.ID})
	if isRefused(err) { // it is gone, or stopped meanwhile
		return nil
	}
	return err
}

// leaked tells whether a check has found the private half of its subject.
func leaked(r *check.Result) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code == "D309" })
}

// managed is a key with the pair of k in a row that does not only watch it; zero if there is none.
func (s *Service) managed(ctx context.Context, k Key) (own Key, err error) {
	if !isWatched(k.Owner) {
		return k, nil
	}
	err = s.store.View(ctx, func(tx Tx) error {
		own = Key{}
		keys, err := tx.KeysPrinted(k.Print)
		for _, same := range keys {
			if !isWatched(same.Owner) && !same.Compromised {
				own = same
			}
		}
		return err
	})
	return own, err
}
