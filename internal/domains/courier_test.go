package domains_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// sink is a channel that can be broken.
type sink struct {
	got    []domains.Notice
	broken bool
	during func()
}

func (s *sink) Notify(_ context.Context, n domains.Notice) error {
	if s.during != nil {
		s.during()
	}
	if s.broken {
		return errors.New("refused")
	}
	s.got = append(s.got, n)
	return nil
}

func deliverAll(w *world, c *domains.Courier) {
	w.Helper()
	for more := true; more; {
		var err error
		more, err = c.Turn(w.ctx)
		w.must(err)
	}
}

// While one courier waits for a slow channel its claims run out, and another takes over:
// the first does not deliver what is not its own any more.
func TestSlowCourierLeavesWhatItLost(t *testing.T) {
	w := newWorld(t)
	w.connected("example.com")
	slow, fast := &sink{}, &sink{}
	first := domains.NewCourier(w.service, domains.Channel{Name: "hook", Notifier: slow})
	second := domains.NewCourier(w.service, domains.Channel{Name: "hook", Notifier: fast})
	slow.during = func() {
		slow.during = nil
		w.clock.advance(6 * time.Minute)
		deliverAll(w, second)
	}
	deliverAll(w, first)
	count := map[int64]int{}
	for _, n := range slow.got[1:] { // the first was under way, and may come twice
		count[n.ID]++
	}
	for _, n := range fast.got {
		if count[n.ID] > 0 {
			t.Errorf("%s was delivered by both", n.Event)
		}
	}
	if len(fast.got) < 2 {
		t.Errorf("the second courier took %d", len(fast.got))
	}
}

// silentSink is a channel that is waited for in vain.
type silentSink struct{ asked int }

func (s *silentSink) Notify(context.Context, domains.Notice) error {
	s.asked++
	return fmt.Errorf("no answer: %w", context.DeadlineExceeded)
}

// One channel is silent: the others wait for it once in a batch.
func TestSilentChannelKeepsNoOther(t *testing.T) {
	w := newWorld(t)
	hook, mail := &silentSink{}, &sink{}
	courier := domains.NewCourier(w.service, domains.Channel{Name: "hook", Notifier: hook}, domains.Channel{Name: "mail", Notifier: mail})
	for i := range 6 {
		w.add(fmt.Sprintf("d%d.example", i))
	}
	want := len(w.notices())
	deliverAll(w, courier)
	if len(mail.got) != want || hook.asked != 1 || want < 6 {
		t.Errorf("mail has %d of %d, the silent one was asked %d times", len(mail.got), want, hook.asked)
	}
	w.clock.advance(2 * time.Minute)
	deliverAll(w, courier)
	if hook.asked != 2 || len(w.notices()) != want {
		t.Errorf("asked %d times, %d are left", hook.asked, len(w.notices()))
	}
}

func TestEachChannelHasEachNoticeOnce(t *testing.T) {
	w := newWorld(t)
	mail, hook := &sink{}, &sink{broken: true}
	courier := domains.NewCourier(w.service, domains.Channel{Name: "mail", Notifier: mail}, domains.Channel{Name: "hook", Notifier: hook})
	w.connected("example.com")
	want := len(w.notices())
	deliverAll(w, courier)
	if len(mail.got) != want || len(hook.got) != 0 {
		t.Fatalf("mail has %d, hook %d, want %d and 0", len(mail.got), len(hook.got), want)
	}
	hook.broken = false
	for range 20 {
		w.clock.advance(30 * time.Minute)
		deliverAll(w, courier)
	}
	if len(mail.got) != want || len(hook.got) != want {
		t.Errorf("mail has %d, hook %d, want %d each", len(mail.got), len(hook.got), want)
	}
	if left := w.notices(); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
}

func TestTwoCouriersDoNotDeliverTwice(t *testing.T) {
	w := newWorld(t)
	to := &sink{}
	one := domains.NewCourier(w.service, domains.Channel{Name: "mail", Notifier: to})
	two := domains.NewCourier(w.service, domains.Channel{Name: "mail", Notifier: to})
	w.add("example.com")
	want := len(w.notices())
	to.during = func() {
		to.during = nil
		deliverAll(w, two)
	}
	deliverAll(w, one)
	if len(to.got) != want {
		t.Errorf("%d delivered, want %d", len(to.got), want)
	}
}

func TestANoticeThatNobodyTakesIsGivenUp(t *testing.T) {
	w := newWorld(t)
	to := &sink{broken: true}
	courier := domains.NewCourier(w.service, domains.Channel{Name: "mail", Notifier: to})
	w.add("example.com")
	for range 20 {
		deliverAll(w, courier)
		w.clock.advance(6 * time.Hour)
	}
	if left := w.notices(); len(left) != 0 {
		t.Errorf("after five days there are still %+v", left)
	}
	entries, err := w.service.Journal(w.ctx, domains.JournalQuery{Domain: "example.com", Last: true, Limit: 1})
	w.must(err)
	if entries[0].Verb != "notify" {
		t.Errorf("the journal says %+v", entries[0])
	}
}

func TestWithoutChannelsTheOutboxEmpties(t *testing.T) {
	w := newWorld(t)
	w.connected("example.com")
	deliverAll(w, domains.NewCourier(w.service))
	if left := w.notices(); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
}

func TestAChannelHasTheEventsThatItWants(t *testing.T) {
	w := newWorld(t)
	some, all := &sink{}, &sink{}
	courier := domains.NewCourier(w.service,
		domains.Channel{Name: "some", Notifier: some, Events: []domains.Event{domains.KeyVerified}}, domains.Channel{Name: "all", Notifier: all})
	w.connected("example.com")
	want := len(w.notices())
	deliverAll(w, courier)
	if len(some.got) != 1 || some.got[0].Event != domains.KeyVerified || len(all.got) != want {
		t.Errorf("some has %+v, all has %d of %d", some.got, len(all.got), want)
	}
}
