package dns

import (
	"slices"
	"time"
)

// The bounds of a lifetime. A key that was replaced is noticed within an hour, one that was published late within 5 minutes.
const (
	maxPositive = time.Hour
	maxNegative = 5 * time.Minute
)

// finding is a definite result, positive or negative, as it is cached and shared.
type finding struct {
	answer  Answer         // if missing is nil
	missing *NotFoundError // else
	ttl     time.Duration  // as DNS has it
	expires time.Time
}

// lifetime is how long it may be cached.
func (f finding) lifetime() time.Duration {
	if f.missing != nil {
		return min(f.ttl, maxNegative)
	}
	return min(f.ttl, maxPositive)
}

// unpack returns what a caller gets, which is his own.
func (f finding) unpack(now time.Time) (Answer, error) {
	if f.missing != nil {
		e := *f.missing
		return Answer{}, &e
	}
	a := f.answer
	a.TXT = slices.Clone(a.TXT)
	a.TTL = max(f.expires.Sub(now), 0)
	return a, nil
}

// weight is about how much memory it takes.
func (f finding) weight() int {
	n := 256
	for _, txt := range f.answer.TXT {
		n += 16 + len(txt)
	}
	return n
}
