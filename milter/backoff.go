package milter

import (
	"errors"
	"log/slog"
	"net"
	"syscall"
	"time"
)

// isTemporary tells whether accepting may work again later: a client that went away, a lack of descriptors or memory,
// or trouble of the network or a firewall with one client, which Linux tells here (accept(2), "Error handling").
func isTemporary(err error) bool {
	for _, code := range []error{
		syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EINTR,
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.ENETDOWN, syscall.EPROTO, syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ETIMEDOUT, syscall.EPERM,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// backoff waits longer after each of a run of errors, and logs one in a while: at the
// limit each connection that ends lets one in before the next error.
type backoff struct {
	done  <-chan struct{}
	log   *slog.Logger
	delay time.Duration
	told  time.Time // when one was logged
}

const (
	firstDelay = 5 * time.Millisecond
	lastDelay  = time.Second
	tellEvery  = time.Minute
)

func (b *backoff) wait(err error, addr net.Addr) {
	if time.Since(b.told) > tellEvery {
		b.told = time.Now()
		b.log.Error("milter: cannot accept connections, retrying", "listener", addr.String(), "error", err.Error())
	}
	b.delay = min(max(2*b.delay, firstDelay), lastDelay)
	timer := time.NewTimer(b.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.done:
	}
}

func (b *backoff) reset() { b.delay = 0 }
