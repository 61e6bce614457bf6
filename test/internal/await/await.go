// Package await waits for real conditions with a deadline.
package await

import (
	"fmt"
	"time"
)

// Deadline is ample for anything that a loaded 2-core machine does in these tests; a healthy run never gets near it.
const Deadline = 30 * time.Second

// That asks done again and again until it says yes. After Deadline the error names what was waited for.
func That(what string, done func() bool) error {
	for end := time.Now().Add(Deadline); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("not within %v: %s", Deadline, what)
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
