package dns

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	wire "github.com/miekg/dns"
)

// look is a look-up and whether it asked the server.
func look(t *testing.T, r *Resolver, server *testServer, name string) (answer Answer, asked bool, err error) {
	t.Helper()
	before := len(server.questions())
	answer, err = r.LookupTXT(t.Context(), name)
	return answer, len(server.questions()) > before, err
}

func TestCache(t *testing.T) {
	withoutSOA := func(w wire.ResponseWriter, q *wire.Msg) { rcode(wire.RcodeNameError)(w, q) }
	soa := func(ttl, minimum uint32) handler {
		return func(w wire.ResponseWriter, q *wire.Msg) {
			reply := new(wire.Msg).SetRcode(q, wire.RcodeNameError)
			reply.Ns = []wire.RR{&wire.SOA{Hdr: wire.RR_Header{Name: "example.", Rrtype: wire.TypeSOA, Class: wire.ClassINET, Ttl: ttl}, Ns: "a.", Mbox: "b.", Minttl: minimum}}
			w.WriteMsg(reply)
		}
	}
	tests := []struct {
		name   string
		handle handler
		kept   time.Duration
	}{
		{"TTL", zone(t, key+". 60 TXT x"), time.Minute},
		{"TTL of a chain", zone(t, key+". 10 CNAME a.example.", "a.example. 60 TXT x"), 10 * time.Second},
		{"TTL of 0", zone(t, key+". 0 TXT x"), 0},
		{"TTL of a day", zone(t, key+". 86400 TXT x"), time.Hour},
		{"DN-6 NXDOMAIN", soa(300, 60), time.Minute},
		{"DN-6 SOA's own TTL", soa(30, 60), 30 * time.Second},
		{"DN-6 NODATA", zone(t, key+". A 192.0.2.1"), time.Minute},
		{"DN-6 long minimum", soa(86400, 86400), 5 * time.Minute},
		{"DN-6 minimum of 0", soa(300, 0), 0},
		{"DN-6 without SOA", withoutSOA, 0},
		{"temporary", rcode(wire.RcodeServerFailure), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clock := time.Unix(1e9, 0)
			server := newServer(t, tt.handle)
			r := resolver(t, Config{Now: func() time.Time { return clock }, Attempts: 3}, server)
			_, asked, first := look(t, r, server, key)
			if !asked {
				t.Fatal("nobody was asked")
			}
			if tt.kept > 0 {
				clock = clock.Add(tt.kept - 1)
				a, asked, err := look(t, r, server, strings.ToUpper(key))
				if asked || fmt.Sprint(err) != fmt.Sprint(first) || err == nil && a.TTL != 1 {
					t.Errorf("just before it expires: asked %v, got %+v, %v", asked, a, err)
				}
				clock = clock.Add(1)
			}
			if _, asked, _ := look(t, r, server, key); !asked {
				t.Error("it has expired and is still kept")
			}
		})
	}
}

func TestCacheIsOwn(t *testing.T) {
	server := newServer(t, zone(t, key+". 60 TXT x"))
	r := resolver(t, Config{}, server)
	for range 2 {
		got, err := r.LookupTXT(t.Context(), key)
		if err != nil || got.TXT[0] != "x" {
			t.Fatalf("got %v, %v", got, err)
		}
		got.TXT[0] = "scribbled"
	}
}

func TestCacheSize(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	has := func(c *cache, name string) bool {
		_, _, ok := c.get(name)
		return ok
	}
	put := func(c *cache, name string, size int) {
		c.put(name, finding{answer: Answer{TXT: []string{strings.Repeat("x", size)}}, expires: soon})
	}
	t.Run("names", func(t *testing.T) {
		c := newCache(3, time.Now)
		for _, name := range []string{"a", "b", "c"} {
			put(c, name, 1)
		}
		has(c, "a")
		put(c, "d", 1)
		if !has(c, "a") || has(c, "b") || !has(c, "c") || !has(c, "d") {
			t.Error("the one least recently used is not the one that went")
		}
	})
	t.Run("weight", func(t *testing.T) {
		c := newCache(100, time.Now)
		for i := range 100 {
			put(c, fmt.Sprint(i), 5000)
			put(c, fmt.Sprint(i), 5000)
		}
		if n := len(c.byName); n == 0 || n > 20 || c.weight > 100*perName || c.weight != n*(256+16+5000) || c.recent.Len() != n {
			t.Errorf("%d names that weigh %d", n, c.weight)
		}
	})
	t.Run("too heavy", func(t *testing.T) {
		c := newCache(100, time.Now)
		put(c, "a", 1)
		put(c, "b", 60000)
		if !has(c, "a") || has(c, "b") {
			t.Error("one answer drives out the others")
		}
	})
	t.Run("none", func(t *testing.T) {
		server := newServer(t, zone(t, key+". 60 TXT x"))
		r := resolver(t, Config{CacheSize: -1}, server)
		for range 2 {
			if _, asked, err := look(t, r, server, key); !asked || err != nil {
				t.Errorf("asked %v, %v", asked, err)
			}
		}
	})
}

// Several that want to know the same at the same time are one question (DN-3).
func TestFlights(t *testing.T) {
	t.Run("DN-3", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var fs flights
			var calls atomic.Int32
			ask := func(context.Context, string) (finding, error) {
				calls.Add(1)
				time.Sleep(time.Second)
				return finding{ttl: 7}, nil
			}
			var shared atomic.Int32
			for range 10 {
				go func() {
					found, also, err := fs.do(t.Context(), key, ask)
					if err != nil || found.ttl != 7 {
						t.Errorf("got %v, %v", found, err)
					}
					if also {
						shared.Add(1)
					}
				}()
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if calls.Load() != 1 || shared.Load() != 9 || len(fs.byName) != 0 {
				t.Errorf("%d calls, %d shared, %d left", calls.Load(), shared.Load(), len(fs.byName))
			}
		})
	})
	t.Run("who leaves takes nobody along", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var fs flights
			ask := func(ctx context.Context, _ string) (finding, error) {
				select {
				case <-time.After(10 * time.Second):
					return finding{ttl: 7}, nil
				case <-ctx.Done():
					return finding{}, ctx.Err()
				}
			}
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if _, _, err := fs.do(ctx, key, ask); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("who left got %v", err)
				}
			}()
			synctest.Wait()
			if found, shared, err := fs.do(t.Context(), key, ask); err != nil || found.ttl != 7 || !shared {
				t.Errorf("who stayed got %v, %v, %v", found, shared, err)
			}
		})
	})
	t.Run("the last one ends it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var fs flights
			ended := false
			ask := func(ctx context.Context, _ string) (finding, error) {
				<-ctx.Done()
				ended = true
				time.Sleep(time.Hour) // it is slow to notice
				return finding{}, ctx.Err()
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, _, err := fs.do(ctx, key, ask)
			synctest.Wait()
			if !errors.Is(err, context.DeadlineExceeded) || !ended {
				t.Errorf("got %v, ended %v", err, ended)
			}
			// Who comes now does not join what was given up.
			found, shared, err := fs.do(t.Context(), key, func(context.Context, string) (finding, error) { return finding{ttl: 8}, nil })
			if err != nil || shared || found.ttl != 8 {
				t.Errorf("the next got %v, %v, %v", found, shared, err)
			}
			time.Sleep(2 * time.Hour) // of the bubble: till the slow one is gone
		})
	})
	t.Run("panic", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var fs flights
			_, _, err := fs.do(t.Context(), key, func(context.Context, string) (finding, error) { panic("bug") })
			if !errors.As(err, new(*TemporaryError)) || !strings.Contains(err.Error(), "bug") {
				t.Errorf("got %v", err)
			}
		})
	})
}

func TestObserve(t *testing.T) {
	var events []string
	observe := func(e Event) { events = append(events, fmt.Sprintf("%s %s %s", e.Name, e.Source, e.Outcome)) }
	server := newServer(t, func(w wire.ResponseWriter, q *wire.Msg) {
		if strings.HasPrefix(q.Question[0].Name, "bad.") {
			rcode(wire.RcodeServerFailure)(w, q)
			return
		}
		zone(t, key+". 60 TXT x")(w, q)
	})
	r := resolver(t, Config{Observe: observe}, server)
	for _, name := range []string{key, key, "none.example", "none.example", "bad.example", "a b"} {
		r.LookupTXT(t.Context(), name)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.LookupTXT(ctx, "other.example")
	want := "[" + key + " network found|" + key + " cache found|none.example network not-found|none.example cache not-found|bad.example network failed|a b none not-found|other.example network canceled]"
	if got := "[" + strings.Join(events, "|") + "]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
