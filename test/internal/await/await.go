// Package await waits for real conditions with a deadline.
package await

import (
	"fmt"
	"time"
)

// Deadline is ample for anything that a loaded 2-core machine does in these tests, be it twenty times slower than usual; a
// healthy run never gets near it.
const Deadline = 2 * time.Minute

// Patience is for what the program's own schedule brings: two looks at DNS half a minute apart, a lease that runs out.
const Patience = 6 * time.Minute

// That asks done again and again until it says yes. After Deadline the error names what was waited for.
func That(what string, done func() bool) error {
	return within(Deadline, 5*time.Millisecond, what, done)
}

// Patiently is That for what takes its time.
func Patiently(what string, done func() bool) error {
	return within(Patience, 200*time.Millisecond, what, done)
}

func within(limit, pause time.Duration, what string, done func() bool) error {
	for end := time.Now().Add(limit); !done(); time.Sleep(pause) {
		if time.Now().After(end) {
			return fmt.Errorf("not within %v: %s", limit, what)
		}
	}
	return nil
}

// Closed waits until c is closed.
func Closed(what string, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-time.After(Deadline):
		return fmt.Errorf("not within %v: %s", Deadline, what)
	}
}
