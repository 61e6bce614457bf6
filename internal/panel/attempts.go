package panel

import (
	"sync"
	"time"
)

// attempts counts secrets that were wrong, for each source and minute.
type attempts struct {
	now func() time.Time

	mu     sync.Mutex
	minute time.Time
	wrong  map[string]int
}

// The bounds of guessing. A token cannot be guessed: they keep a log readable and a
// forgotten script from costing much.
const (
	maxWrong   = 10
	maxSources = 10_000 // that are told apart in a minute; all others count as one
)

func newAttempts(now func() time.Time) *attempts {
	return &attempts{now: now, wrong: map[string]int{}}
}

// wait tells how long a source has to wait; zero: it may try.
func (a *attempts) wait(source string) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.turn()
	if a.wrong[a.counted(source)] < maxWrong {
		return 0
	}
	return a.minute.Add(time.Minute).Sub(a.now())
}

// failed notes a secret that was wrong.
func (a *attempts) failed(source string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.turn()
	a.wrong[a.counted(source)]++
}

func (a *attempts) turn() {
	if minute := a.now().Truncate(time.Minute); !minute.Equal(a.minute) {
		a.minute, a.wrong = minute, map[string]int{}
	}
}

func (a *attempts) counted(source string) string {
	if _, known := a.wrong[source]; !known && len(a.wrong) >= maxSources {
		return "others"
	}
	return source
}
