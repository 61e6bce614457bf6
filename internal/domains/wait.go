package domains

import (
	"context"
	"time"
)

// watch does turns until ctx ends: the next one when the time that a turn asks for has
// passed, or when the store changes.
func (s *Service) watch(ctx context.Context, turn func(context.Context) (wait time.Duration)) {
	changes := s.store.Changes(ctx)
	for ctx.Err() == nil {
		timer := time.NewTimer(turn(ctx))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case _, open := <-changes:
			if !open {
				changes = nil
			}
			pause(ctx, idleLeast) // our own writes wake us, too
		}
		timer.Stop()
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// until is how long to wait for what is due next; most, where nothing is.
func (s *Service) until(next time.Time, most time.Duration) time.Duration {
	if next.IsZero() {
		return most
	}
	return min(max(next.Sub(s.now()), idleLeast), most)
}
