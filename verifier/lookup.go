package verifier

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// Lookup asks DNS for the TXT records of a name, given as A-labels without a final dot. It is called for several names at once,
// each in a goroutine of its own, and should return when ctx ends. An error that is not ErrNotFound is taken as temporary.
type Lookup interface {
	LookupTXT(ctx context.Context, name string) (Answer, error)
}

// Answer is the TXT records of a name.
type Answer struct {
	TXT    []string // one for each record, its strings joined with nothing in between
	Secure bool     // DNSSEC vouches for them (the AD bit of a resolver that is trusted)
}

// ErrNotFound says that a name does not exist or has no TXT record, which is permanent (RFC 6376 section 6.1.2). A look-up that
// fails for any other reason may succeed later.
var ErrNotFound = errors.New("no such record")

// lookup is a look-up under way. It belongs to no pool, since its goroutine may outlive the message.
type lookup struct {
	name   string
	done   chan struct{} // closed when answer and err are there
	answer Answer
	err    error
}

func startLookup(ctx context.Context, source Lookup, name string) *lookup {
	l := &lookup{name: name, done: make(chan struct{})}
	go l.run(ctx, source)
	return l
}

func (l *lookup) run(ctx context.Context, source Lookup) {
	defer close(l.done)
	defer func() {
		if fault := recover(); fault != nil { // nobody else could: it would end the program
			l.err = fmt.Errorf("look up %s: panic: %v\n%s", l.name, fault, debug.Stack())
		}
	}()
	l.answer, l.err = source.LookupTXT(ctx, l.name)
	if l.err == nil && len(l.answer.TXT) == 0 {
		l.err = ErrNotFound
	}
}

// wait returns the answer, or what stopped ctx before it came.
func (l *lookup) wait(ctx context.Context) (Answer, error) {
	select {
	case <-l.done:
		return l.answer, l.err
	default:
	}
	select {
	case <-l.done:
		return l.answer, l.err
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	}
}
