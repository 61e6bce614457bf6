package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/notify"
	"github.com/postseal/postseal/internal/domains/storetest"
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

// outbox is a store with notifications in it, and its clock.
type outbox struct {
	*testing.T
	store *storetest.Memory
	now   time.Time
}

func newOutbox(t *testing.T, events ...domains.Event) *outbox {
	o := &outbox{T: t, store: storetest.NewMemory(), now: notice.At}
	o.update(func(tx domains.Tx) error {
		for _, event := range events {
			n := domains.Notice{At: o.now, NextAt: o.now, Event: event, Domain: "example.com", Text: "it happened"}
			if err := tx.PutNotice(n); err != nil {
				return err
			}
		}
		return nil
	})
	return o
}

// Now implements domains.Clock.
func (o *outbox) Now() time.Time { return o.now }

// Elapsed implements domains.Clock.
func (o *outbox) Elapsed() time.Duration { return o.now.Sub(notice.At) }

func (o *outbox) advance(d time.Duration) { o.now = o.now.Add(d) }

func (o *outbox) update(f func(domains.Tx) error) {
	o.Helper()
	if err := o.store.Update(o.Context(), f); err != nil {
		o.Fatal(err)
	}
}

func (o *outbox) courier(channels ...notify.Channel) *notify.Courier {
	return notify.NewCourier(o.store, o, slog.New(slog.DiscardHandler), channels...)
}

func (o *outbox) left() (out []domains.Notice) {
	o.Helper()
	o.update(func(tx domains.Tx) (err error) {
		out, err = tx.Notices(o.now.Add(1000*time.Hour), 1000)
		return err
	})
	return out
}

func (o *outbox) deliverAll(c *notify.Courier) {
	o.Helper()
	for more := true; more; {
		var err error
		if more, err = c.Turn(o.Context()); err != nil {
			o.Fatal(err)
		}
	}
}

// several are the events of a key that comes to sign.
var several = []domains.Event{domains.KeyRecords, domains.KeyVerified, domains.KeyActivated}

// While one courier waits for a slow channel its claims run out, and another takes over:
// the first does not deliver what is not its own any more.
func TestSlowCourierLeavesWhatItLost(t *testing.T) {
	o := newOutbox(t, several...)
	slow, fast := &sink{}, &sink{}
	first := o.courier(notify.Channel{Name: "hook", Notifier: slow})
	second := o.courier(notify.Channel{Name: "hook", Notifier: fast})
	slow.during = func() {
		slow.during = nil
		o.advance(6 * time.Minute)
		o.deliverAll(second)
	}
	o.deliverAll(first)
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
	o := newOutbox(t, several...)
	hook, mail := &silentSink{}, &sink{}
	courier := o.courier(notify.Channel{Name: "hook", Notifier: hook}, notify.Channel{Name: "mail", Notifier: mail})
	want := len(o.left())
	o.deliverAll(courier)
	if len(mail.got) != want || hook.asked != 1 || want != len(several) {
		t.Errorf("mail has %d of %d, the silent one was asked %d times", len(mail.got), want, hook.asked)
	}
	o.advance(2 * time.Minute)
	o.deliverAll(courier)
	if hook.asked != 2 || len(o.left()) != want {
		t.Errorf("asked %d times, %d are left", hook.asked, len(o.left()))
	}
}

func TestEachChannelHasEachNoticeOnce(t *testing.T) {
	o := newOutbox(t, several...)
	mail, hook := &sink{}, &sink{broken: true}
	courier := o.courier(notify.Channel{Name: "mail", Notifier: mail}, notify.Channel{Name: "hook", Notifier: hook})
	want := len(o.left())
	o.deliverAll(courier)
	if len(mail.got) != want || len(hook.got) != 0 {
		t.Fatalf("mail has %d, hook %d, want %d and 0", len(mail.got), len(hook.got), want)
	}
	hook.broken = false
	for range 20 {
		o.advance(30 * time.Minute)
		o.deliverAll(courier)
	}
	if len(mail.got) != want || len(hook.got) != want {
		t.Errorf("mail has %d, hook %d, want %d each", len(mail.got), len(hook.got), want)
	}
	if left := o.left(); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
}

func TestTwoCouriersDoNotDeliverTwice(t *testing.T) {
	o := newOutbox(t, several...)
	to := &sink{}
	one := o.courier(notify.Channel{Name: "mail", Notifier: to})
	two := o.courier(notify.Channel{Name: "mail", Notifier: to})
	want := len(o.left())
	to.during = func() {
		to.during = nil
		o.deliverAll(two)
	}
	o.deliverAll(one)
	if len(to.got) != want {
		t.Errorf("%d delivered, want %d", len(to.got), want)
	}
}

func TestANoticeThatNobodyTakesIsGivenUp(t *testing.T) {
	o := newOutbox(t, several...)
	to := &sink{broken: true}
	courier := o.courier(notify.Channel{Name: "mail", Notifier: to})
	for range 20 {
		o.deliverAll(courier)
		o.advance(6 * time.Hour)
	}
	if left := o.left(); len(left) != 0 {
		t.Errorf("after five days there are still %+v", left)
	}
	o.update(func(tx domains.Tx) error {
		entries, err := tx.Journal(domains.JournalQuery{Domain: "example.com"})
		if len(entries) != len(several) || entries[0].Verb != "notify" {
			t.Errorf("the journal says %+v", entries)
		}
		return err
	})
}

func TestWithoutChannelsTheOutboxEmpties(t *testing.T) {
	o := newOutbox(t, several...)
	o.deliverAll(o.courier())
	if left := o.left(); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
}
