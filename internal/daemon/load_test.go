package daemon

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/miltertest"
)

var loadMessage = miltertest.Message{From: "<a@example.com>", To: []string{"<b@example.net>"}, Raw: []byte("From: a@example.com\r\n\r\nHello\r\n")}

// selectorOf sends a message and tells which key signed it.
func selectorOf(mta *miltertest.MTA) (string, error) {
	result, err := mta.Send(loadMessage)
	if err != nil {
		return "", err
	}
	if len(result.Modifications) != 1 {
		return "", fmt.Errorf("%d changes, %v", len(result.Modifications), result.Reply)
	}
	_, rest, _ := strings.Cut(result.Modifications[0].Value, "s=")
	selector, _, _ := strings.Cut(rest, ";")
	return selector, nil
}

// drain reads the log away.
func (d *testDaemon) drain() {
	go func() {
		for range d.lines {
		}
	}()
}

// Messages on four connections, a thousand and until both tables were in use, while one
// after the other comes into use, for the race detector's eyes; test/load does the same to
// a whole process.
func TestReloadUnderTraffic(t *testing.T) {
	const connections, messages = 4, 250
	s := newSite(t)
	d := start(t, s.load)
	d.drain()
	var sending, reloading sync.WaitGroup
	stop := make(chan struct{})
	reloading.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			selector := []string{"one", "two"}[i%2]
			if err := replace(s.path("keytable"), fmt.Sprintf("k example.com:%s:./%s.pem\n", selector, selector)); err != nil {
				t.Error(err)
			}
			if err := d.Reload(); err != nil {
				t.Error(err)
			}
		}
	})
	var one, two atomic.Int64 // messages that each key has signed
	for range connections {
		mta := localMTA(t, d)
		sending.Go(func() {
			for n := 0; !t.Failed() && (n < messages || one.Load() == 0 || two.Load() == 0); n++ {
				switch selector, err := selectorOf(mta); {
				case err != nil:
					t.Error(err)
					return
				case selector == "one":
					one.Add(1)
				case selector == "two":
					two.Add(1)
				default:
					t.Errorf("signed with %q", selector)
					return
				}
			}
		})
	}
	sending.Wait()
	close(stop)
	reloading.Wait()
}

// replace puts a file in place of another at once.
func replace(path, text string) error {
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// lostBytes is what the heap may differ by between two collections at rest: maps
// and pools that have grown with the work. 2,000 messages that lost 130 bytes each
// are over it.
const lostBytes = 256 << 10

// What connections, messages and reloads take, they give back: all goroutines, all
// memory.
func TestNothingStaysBehind(t *testing.T) {
	s := newSite(t)
	d := start(t, s.load)
	d.drain()
	mta := localMTA(t, d)
	if _, err := selectorOf(mta); err != nil { // the listener is served
		t.Fatal(err)
	}
	await(t, "the pass over the keys ends", func() bool { return !strings.Contains(stacks(), "readKeys") })
	idle := runtime.NumGoroutine()
	for range 10 { // until maps and pools have their size
		oneOfEach(t, d)
	}
	atRest(t, idle)
	before := heap()
	for range 60 {
		oneOfEach(t, d)
	}
	atRest(t, idle)
	if after := heap(); after > before+lostBytes {
		t.Errorf("%d bytes in use before, %d after", before, after)
	}
}

// oneOfEach reloads, sends messages on a connection, aborts one, and leaves two
// connections in the middle of a message.
func oneOfEach(t *testing.T, d *testDaemon) {
	t.Helper()
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	for i, end := range []func(*miltertest.MTA) error{(*miltertest.MTA).Quit, (*miltertest.MTA).Close, half} {
		addr := d.Addresses()[0]
		mta, err := miltertest.Dial(addr.Network(), addr.String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mta.Negotiate(miltertest.PostfixOffer); err != nil {
			t.Fatal(err)
		}
		mta.Client = new(situation).client(t)
		for range 20 / (i + 1) {
			if _, err := selectorOf(mta); err != nil {
				t.Fatal(err)
			}
		}
		for _, part := range []func() error{
			func() error { _, err := mta.Mail("<a@example.com>"); return err },
			func() error { _, err := mta.Header("From", " a@example.com"); return err },
			func() error { _, err := mta.EOH(); return err },
			func() error { return end(mta) },
		} {
			if err := part(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// half leaves in the middle of a packet.
func half(mta *miltertest.MTA) error {
	if err := mta.Write(miltertest.Packet(milter.CmdBody, 'x', 'y')[:6]); err != nil {
		return err
	}
	return mta.Close()
}

// atRest waits until there are no more goroutines than there were.
func atRest(t *testing.T, goroutines int) {
	t.Helper()
	await(t, "only the goroutines of rest", func() bool { return runtime.NumGoroutine() <= goroutines })
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s\n%s", what, stacks())
		}
	}
}

// stacks shows all goroutines.
func stacks() string {
	all := make([]byte, 1<<18)
	return string(all[:runtime.Stack(all, true)])
}

// heap is what is in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC() // pools let go
	runtime.GC() // of what is in them at the second only
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
