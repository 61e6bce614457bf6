package authority

import (
	"context"
	"sync"
	"time"
)

// pace keeps the questions to each server to so many in any second.
type pace struct {
	perSecond int

	mu    sync.Mutex
	asked map[string][]time.Time // when the last questions to a server were or will be asked, in order
}

// maxPaced bounds the servers that are remembered; those that have rested a second are forgotten first.
const maxPaced = 4096

func newPace(perSecond int) *pace {
	return &pace{perSecond: perSecond, asked: map[string][]time.Time{}}
}

// wait returns when a server may be asked, or when ctx ends.
func (p *pace) wait(ctx context.Context, server string) error {
	delay := p.reserve(server, time.Now())
	if delay <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reserve takes the next free moment for a question to a server and says how far off it is.
func (p *pace) reserve(server string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.asked) >= maxPaced {
		p.forget(now)
	}
	last := p.asked[server]
	at := now
	if len(last) == p.perSecond {
		if free := last[0].Add(time.Second); free.After(at) {
			at = free
		}
		last = last[1:]
	}
	p.asked[server] = append(last, at)
	return at.Sub(now)
}

// forget drops the servers that nobody asked for a second.
func (p *pace) forget(now time.Time) {
	for server, last := range p.asked {
		if now.Sub(last[len(last)-1]) >= time.Second {
			delete(p.asked, server)
		}
	}
}
