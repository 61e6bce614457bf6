package domains_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

func (w *world) sees(count int64, names ...string) {
	w.Helper()
	var all []domains.Sighting
	for _, name := range names {
		all = append(all, domains.Sighting{Domain: name, Source: "mail", Count: count, Last: w.clock.Now()})
	}
	w.must(w.service.Seen(w.ctx, all))
}

func (w *world) candidates() map[string]bool {
	w.Helper()
	all, err := w.service.Candidates(w.ctx)
	w.must(err)
	names := map[string]bool{}
	for _, c := range all {
		names[c.Domain] = true
	}
	return names
}

// A login in wrong hands that sends from one domain after the other makes one notice an
// hour, which lists them.
func TestCandidatesAreToldTogether(t *testing.T) {
	w := newWorld(t)
	w.connected("example.com") // has the keeper work
	w.sees(1, "first.example")
	for i := range 50 {
		w.sees(1, fmt.Sprintf("flood%02d.example", i))
		w.clock.advance(time.Minute)
	}
	var told []domains.Notice
	hear := func(want int) domains.Notice {
		t.Helper()
		told = nil
		for _, n := range w.notices() {
			if n.Event == domains.DomainUnsignedSeen {
				told = append(told, n)
			}
		}
		if len(told) != want {
			t.Fatalf("%d notices, want %d: %+v", len(told), want, told)
		}
		return told[want-1]
	}
	if n := hear(1); n.Domain != "first.example" || !strings.Contains(n.Text, "postseal domain add first.example") {
		t.Errorf("%+v", n)
	}
	w.live(2 * time.Hour) // no more mail: the keeper tells of the rest
	n := hear(2)
	if n.Domain != "" || !strings.Contains(n.Text, "50 domains") || !strings.Contains(n.Text, "flood00.example, flood01.example") ||
		!strings.Contains(n.Text, "flood19.example and 30 more") || strings.Contains(n.Text, "flood20") {
		t.Errorf("%+v", n)
	}
	w.sees(1, "flood00.example")
	w.live(3 * time.Hour)
	hear(2)
}

// What nobody sends from any more is forgotten.
func TestCandidatesExpire(t *testing.T) {
	w := newWorld(t)
	w.connected("example.com") // has the keeper work
	w.sees(3, "old.example", "used.example")
	w.live(60 * day)
	w.sees(1, "used.example")
	w.live(31 * day)
	if got := w.candidates(); got["old.example"] || !got["used.example"] {
		t.Errorf("after 91 days: %v", got)
	}
}

// There is room for so many; what was seen most often stays.
func TestCandidatesAreBounded(t *testing.T) {
	const most = 10000
	w := newWorld(t)
	w.sees(2, "real.example")
	w.clock.advance(time.Minute)
	var flood []string
	for i := range most + 10 {
		flood = append(flood, fmt.Sprintf("f%05d.example", i))
	}
	w.sees(1, flood[:most-1]...)
	w.clock.advance(time.Minute)
	w.sees(1, flood[most-1:]...)
	got := w.candidates()
	if len(got) != most || !got["real.example"] || !got[flood[most+9]] {
		t.Errorf("%d candidates, the real one %v, the last one %v", len(got), got["real.example"], got[flood[most+9]])
	}
}
