package keytable

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/postseal/postseal/dkim"
)

func TestCacheLeastRecentlyUsed(t *testing.T) {
	c := cacheFor(Options{KeysCached: 2})
	reads := 0
	get := func(name string, warm bool) {
		t.Helper()
		key, err := c.get(keyID{text: name}, warm, func() (*dkim.PrivateKey, error) { reads++; return ed1(), nil })
		if key != ed1() || err != nil {
			t.Fatal(key, err)
		}
	}
	for _, step := range []struct {
		name  string
		warm  bool
		reads int
	}{
		{"a", false, 1},
		{"b", true, 2},
		{"a", false, 2},
		{"c", true, 3},  // full: read, not kept
		{"b", false, 3}, // still there
		{"c", false, 4}, // pushes a out
		{"b", false, 4},
		{"a", false, 5},
	} {
		get(step.name, step.warm)
		if reads != step.reads {
			t.Fatalf("%+v: %d reads", step, reads)
		}
	}
	if c.peek(keyID{text: "b"}) == nil || c.peek(keyID{text: "c"}) != nil {
		t.Error("peek")
	}
}

func TestCacheReadsOnce(t *testing.T) {
	c := cacheFor(Options{})
	var reads atomic.Int32
	begun, release := make(chan struct{}), make(chan struct{})
	read := func() (*dkim.PrivateKey, error) {
		if reads.Add(1) == 1 {
			close(begun)
		}
		<-release
		return ed1(), nil
	}
	var wg sync.WaitGroup
	wg.Go(func() { c.get(keyID{text: "a"}, false, read) })
	<-begun
	for range 8 {
		wg.Go(func() {
			if key, err := c.get(keyID{text: "a"}, false, read); key != ed1() || err != nil {
				t.Error(key, err)
			}
		})
	}
	close(release)
	wg.Wait()
	if n := reads.Load(); n != 1 {
		t.Errorf("%d reads", n)
	}
}

// Errors are told to all who wait, and not kept; a panic leaves nobody waiting.
func TestCacheFailures(t *testing.T) {
	c := cacheFor(Options{})
	bad := errors.New("bad")
	if _, err := c.get(keyID{text: "a"}, false, func() (*dkim.PrivateKey, error) { return nil, bad }); err != bad {
		t.Error(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is lost")
			}
		}()
		c.get(keyID{text: "a"}, false, func() (*dkim.PrivateKey, error) { panic("x") })
	}()
	if key, err := c.get(keyID{text: "a"}, false, func() (*dkim.PrivateKey, error) { return ed1(), nil }); key != ed1() || err != nil {
		t.Error(key, err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := cacheFor(Options{KeysCached: 10})
	for i := range 1000 {
		c.get(keyID{text: fmt.Sprint(i)}, i%3 == 0, func() (*dkim.PrivateKey, error) { return ed1(), nil })
	}
	if len(c.keys) != 10 || c.recent.Len() != 10 || len(c.reading) != 0 {
		t.Errorf("%d keys, %d in the list, %d being read", len(c.keys), c.recent.Len(), len(c.reading))
	}
}

func TestCacheSize(t *testing.T) {
	first, err := Load(Options{KeysCached: 7})
	if err != nil {
		t.Fatal(err)
	}
	same, _ := Load(Options{Prev: first})
	other, _ := Load(Options{Prev: first, KeysCached: 9})
	fresh, _ := Load(Options{})
	if same.keys.cache != first.keys.cache || other.keys.cache == first.keys.cache {
		t.Error("which cache is shared")
	}
	if n := other.keys.cache.capacity; n != 9 {
		t.Errorf("capacity %d", n)
	}
	if n := cacheFor(Options{KeysCached: -1}).capacity; n != 1 {
		t.Errorf("capacity %d for -1", n)
	}
	if n := fresh.keys.cache.capacity; n != defaultKeysCached {
		t.Errorf("default capacity %d", n)
	}
}
