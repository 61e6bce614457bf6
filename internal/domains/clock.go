package domains

import (
	"context"
	"sync"
	"time"
)

// Clock is the time of day, which may jump, and time that only grows.
type Clock interface {
	Now() time.Time
	Elapsed() time.Duration // since some beginning
}

// SystemClock is the machine's.
type SystemClock struct{ start time.Time }

// NewSystemClock starts at the present moment.
func NewSystemClock() SystemClock { return SystemClock{time.Now()} }

// Now is the time of day.
func (SystemClock) Now() time.Time { return time.Now() }

// Elapsed is monotonic.
func (c SystemClock) Elapsed() time.Duration { return time.Since(c.start) }

// clockWatch notices that the time of day jumped, by comparing it with time that
// only grows. After a jump deadlines do not count for a while: what they lead to
// cannot be taken back.
type clockWatch struct {
	clock Clock

	mu      sync.Mutex
	wall    time.Time
	elapsed time.Duration
	until   time.Duration // Elapsed until which the clock is not trusted
}

const (
	jumpMin     = 10 * time.Minute // smaller ones are the work of NTP
	settleAfter = time.Hour
)

// jumped compares with the last call.
func (c *clockWatch) jumped() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall, elapsed := c.clock.Now().Round(0), c.clock.Elapsed()
	first := c.wall.IsZero()
	off := wall.Sub(c.wall) - (elapsed - c.elapsed)
	c.wall, c.elapsed = wall, elapsed
	if first || off.Abs() < jumpMin {
		return false
	}
	c.until = elapsed + settleAfter
	return true
}

// settled says that the clock can be trusted.
func (c *clockWatch) settled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clock.Elapsed() >= c.until
}

// Watch does turns until ctx ends: the next one when the time that a turn asks for has
// passed, or when the store changes.
func Watch(ctx context.Context, store Store, turn func(context.Context) (wait time.Duration)) {
	changes := store.Changes(ctx)
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
