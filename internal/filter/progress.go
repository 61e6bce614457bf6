package filter

import (
	"sync"
	"time"

	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/verifier"
)

// progressEvery is well below the 10 seconds after which Sendmail gives up on a silent
// milter (T=R:10s; at the end of a message too, whatever E says).
const progressEvery = 4 * time.Second

// awaitResults is m.results, which may wait for DNS longer than the MTA waits for us.
// An MTA that gave up would pass the message on as it came, with all that others
// wrote in our name; who makes DNS slow could bring that about.
func awaitResults(m *message, mods *milter.Modifications) []verifier.Result {
	stop := keepUp(mods.Progress)
	defer stop()
	return m.results()
}

// keepUp calls progress at intervals, until it fails or until stop, which waits for a
// call that is under way.
func keepUp(progress func() error) (stop func()) {
	var (
		mu      sync.Mutex
		timer   *time.Timer
		stopped bool
	)
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(progressEvery, func() {
		mu.Lock()
		defer mu.Unlock()
		if !stopped && progress() == nil { // a connection that is gone is told of by who writes the reply
			timer.Reset(progressEvery)
		}
	})
	return func() {
		timer.Stop()
		mu.Lock()
		defer mu.Unlock()
		stopped = true
	}
}
