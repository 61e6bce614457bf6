package domains

import (
	"sync"
	"time"
)

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
