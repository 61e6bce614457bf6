package sqlstore

import (
	"context"
	"sync"
)

// feed tells subscribers that something was committed: by this Store at once, by others as the engine's watch hears of it.
type feed struct {
	watch func(ctx context.Context, changed func())
	done  context.Context
	end   context.CancelFunc
	once  sync.Once // starts watch with the first subscriber
	busy  sync.WaitGroup

	mu          sync.Mutex
	subscribers map[chan struct{}]struct{}
}

func newFeed(watch func(ctx context.Context, changed func())) *feed {
	f := &feed{watch: watch, subscribers: map[chan struct{}]struct{}{}}
	f.done, f.end = context.WithCancel(context.Background())
	return f
}

// subscribe gives a channel that is closed when ctx or the feed ends. It holds one unread message at most.
func (f *feed) subscribe(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done.Err() != nil {
		close(ch)
		return ch
	}
	f.subscribers[ch] = struct{}{}
	f.once.Do(func() { f.busy.Go(func() { f.watch(f.done, f.tell) }) })
	f.busy.Go(func() {
		select {
		case <-ctx.Done():
		case <-f.done.Done():
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.subscribers, ch)
		close(ch)
	})
	return ch
}

func (f *feed) tell() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for ch := range f.subscribers {
		select {
		case ch <- struct{}{}:
		default: // one is waiting to be read: it stands for this change too
		}
	}
}

// close ends all subscriptions and waits until nobody uses the database any more.
func (f *feed) close() {
	f.mu.Lock()
	f.end()
	f.mu.Unlock()
	f.busy.Wait()
}
