package domains

import (
	"context"
	"slices"

	"github.com/postseal/postseal/internal/check"
)

// stopLeaked stops a pair whose private half a check has found in DNS (D309), where everybody can read it: it is compromised,
// whatever will stand there afterwards.
func (s *Service) stopLeaked(ctx context.Context, actor string, k Key, r *check.Result) error {
	leaked := func(f check.Finding) bool { return f.Code == "D309" }
	if k.Compromised || !slices.ContainsFunc(r.Findings, leaked) {
		return nil
	}
	_, err := s.Compromised(ctx, actor, k.Owner, CompromiseRequest{Selector: k.Selector, Yes: true})
	if isRefused(err) { // it is gone, or stopped meanwhile
		return nil
	}
	return err
}
