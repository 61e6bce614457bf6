package life

import (
	"sync"
	"time"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/submit"
)

// traffic is mail that flows until it is told to end.
type traffic struct {
	*story
	stop chan struct{}
	over chan struct{}

	mu    sync.Mutex
	sent  []mail
	fault error
}

// pace is between two messages: many enough to meet every moment of a change, few enough for two cores.
const pace = 100 * time.Millisecond

// traffic sends messages one after another, each in a session of its own.
func (s *story) traffic(from string) *traffic {
	f := &traffic{story: s, stop: make(chan struct{}), over: make(chan struct{})}
	go func() {
		defer close(f.over)
		for {
			m := compose(from)
			err := f.transmit(m)
			f.mu.Lock()
			f.sent, f.fault = append(f.sent, m), err
			f.mu.Unlock()
			if err != nil {
				return
			}
			select {
			case <-f.stop:
				return
			case <-time.After(pace):
			}
		}
	}()
	return f
}

func (f *traffic) transmit(m mail) error {
	session, err := submit.Open(submit.Options{Address: f.mta + ":25"})
	if err != nil {
		return err
	}
	if err := session.Send(m.from, []string{"reader@in.test"}, m.data); err != nil {
		return err
	}
	return session.Quit()
}

// goesOn waits for some more messages.
func (f *traffic) goesOn(messages int) {
	f.Helper()
	wanted := f.count() + 1 + messages // one may have begun before
	f.Must(await.That("mail flows", func() bool { return f.count() >= wanted || f.failed() != nil }))
	f.Must(f.failed())
}

func (f *traffic) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sent)
}

func (f *traffic) failed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fault
}

// end stops it and gives all that was delivered, in the order of sending. Nothing may be missing.
func (f *traffic) end() (all []delivery) {
	f.Helper()
	close(f.stop)
	f.Must(await.Closed("end of the traffic", f.over))
	f.Must(f.failed())
	for _, m := range f.sent {
		all = append(all, f.arrived(m))
	}
	return all
}
