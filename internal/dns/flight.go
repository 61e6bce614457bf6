package dns

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// flights are the questions under way, one for each name. A flight lasts until it has a result or nobody waits for it any more, so there are
// never more than look-ups.
type flights struct {
	mu     sync.Mutex
	byName map[string]*flight
}

type flight struct {
	waiting int // guarded by flights.mu
	cancel  context.CancelFunc
	done    chan struct{} // closed when found and err are there
	found   finding
	err     error
}

// waitError is a look-up that ended because the context of who wanted it did.
type waitError struct{ cause error }

func (e *waitError) Error() string { return "given up: " + e.cause.Error() }

func (e *waitError) Unwrap() error { return e.cause }

// do calls ask for a name, or waits for a call that is under way (shared).
func (fs *flights) do(ctx context.Context, name string, ask func(context.Context, string) (finding, error)) (found finding, shared bool, err error) {
	if ctx.Err() != nil {
		return finding{}, false, gaveUp(ctx, name)
	}
	f, shared := fs.join(ctx, name, ask)
	defer fs.leave(name, f)
	select {
	case <-f.done:
		return f.found, shared, f.err
	case <-ctx.Done():
		return finding{}, shared, gaveUp(ctx, name)
	}
}

func gaveUp(ctx context.Context, name string) error {
	return &TemporaryError{Name: name, Err: &waitError{context.Cause(ctx)}}
}

func (fs *flights) join(ctx context.Context, name string, ask func(context.Context, string) (finding, error)) (f *flight, shared bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f = fs.byName[name]; f != nil {
		f.waiting++
		return f, true
	}
	// It has the values of the first context, but not its end.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f = &flight{waiting: 1, cancel: cancel, done: make(chan struct{})}
	if fs.byName == nil {
		fs.byName = map[string]*flight{}
	}
	fs.byName[name] = f
	go func() {
		defer close(f.done)
		defer fs.land(name, f)
		defer f.recover(name)
		f.found, f.err = ask(ctx, name)
	}()
	return f, false
}

// recover makes a panic the failure of this question: outside of a message's goroutine it would end the program.
func (f *flight) recover(name string) {
	if fault := recover(); fault != nil {
		f.err = &TemporaryError{Name: name, Err: fmt.Errorf("panic: %v\n%s", fault, debug.Stack())}
	}
}

// leave ends a flight that nobody waits for.
func (fs *flights) leave(name string, f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		fs.forget(name, f)
		f.cancel()
	}
}

// land is the end of a flight that has its result.
func (fs *flights) land(name string, f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.forget(name, f)
}

// forget lets the next look-up of the name ask anew. fs.mu is held.
func (fs *flights) forget(name string, f *flight) {
	if fs.byName[name] == f {
		delete(fs.byName, name)
	}
}
