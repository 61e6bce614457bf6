package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/postseal/postseal/internal/domains"
)

// conflictError says that a transaction may run again at once: it lost against another. To a caller it is a store that was busy
// for too long.
type conflictError struct {
	err  error
	busy bool // it never began: it may be tried for as long as its caller waits
}

func (e *conflictError) Error() string { return e.err.Error() }
func (e *conflictError) Unwrap() error { return e.err }

// unbegun lets a transaction in which nothing was done run again: its connection may have been one that the server had closed.
func unbegun(err error) error {
	if lost := (*conflictError)(nil); !errors.As(err, &lost) && errors.Is(err, domains.ErrUnavailable) {
		return &conflictError{err: err}
	}
	return err
}

// explain says what was done to which store when err came, and marks what may work later as domains.ErrUnavailable.
func (s *Store) explain(doing string, err error) error {
	if advice := s.advise(err); advice != "" {
		err = fmt.Errorf("%w; %s", err, advice)
	}
	weight := s.weigh(err)
	var netErr net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %s: %w", s.name, doing, err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w: %s: no answer within %v: %w", s.name, domains.ErrUnavailable, doing, s.timeout, err)
	case weight == conflict, weight == busy:
		return &conflictError{fmt.Errorf("%s: %w: %s: others are busy with it: %w", s.name, domains.ErrUnavailable, doing, err), weight == busy}
	case weight == full:
		return fmt.Errorf("%s: %w: %s: its disk is full; nothing was changed; make room there and try again: %w", s.name, domains.ErrUnavailable, doing, err)
	case weight == temporary, errors.As(err, &netErr), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone),
		errors.Is(err, sql.ErrTxDone), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		if doing == "commit" {
			doing = "commit (it may have happened)"
		}
		return fmt.Errorf("%s: %w: %s: %w", s.name, domains.ErrUnavailable, doing, err)
	}
	return fmt.Errorf("%s: %s: %w", s.name, doing, err)
}
