package dns

import (
	"errors"
	"time"
)

// Event is a look-up that has ended, for counters.
type Event struct {
	Name    string // as it was asked for: a stranger's text
	Source  Source
	Outcome Outcome
	Elapsed time.Duration
}

// Source is where an answer came from, or a failure.
type Source string

// Sources.
const (
	FromNowhere Source = "none"    // the name is not valid
	FromRecords Source = "records" // the file of static records
	FromCache   Source = "cache"
	FromNetwork Source = "network"
	FromShared  Source = "shared" // the network, asked by another look-up at the same time
)

// Outcome is a kind of result.
type Outcome string

// Outcomes.
const (
	Found    Outcome = "found"
	NotFound Outcome = "not-found"
	Failed   Outcome = "failed"   // temporary
	Canceled Outcome = "canceled" // the caller's context ended
)

func outcomeOf(err error) Outcome {
	var gone *waitError
	switch {
	case err == nil:
		return Found
	case errors.Is(err, ErrNotFound):
		return NotFound
	case errors.As(err, &gone):
		return Canceled
	}
	return Failed
}
