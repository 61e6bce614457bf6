package milter

import (
	"errors"
	"log/slog"
	"net"
	"syscall"
	"time"
)

// isTemporary tells whether accepting may work again later: a client that went away, or a lack of descriptors or memory.
func isTemporary(err error) bool {
	for _, code := range []error{
		syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EINTR,
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// backoff waits longer after each of a run of errors, and logs the first.
type backoff struct {
	done  <-chan struct{}
	log   *slog.Logger
	delay time.Duration
}

const (
	firstDelay = 5 * time.Millisecond
	lastDelay  = time.Second
)

func (b *backoff) wait(err error, addr net.Addr) {
	if b.delay == 0 {
		b.log.Error("milter: cannot accept connections, retrying", "listener", addr.String(), "error", err.Error())
		b.delay = firstDelay
	} else {
		b.delay = min(2*b.delay, lastDelay)
	}
	timer := time.NewTimer(b.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.done:
	}
}

func (b *backoff) reset() { b.delay = 0 }
