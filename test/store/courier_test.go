package store

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/notify"
	"github.com/postseal/postseal/internal/domains/seal"
	"github.com/postseal/postseal/internal/domains/sqlstore"
)

// sink counts what is delivered.
type sink struct {
	mu  sync.Mutex
	got map[string]int // by text
}

func (s *sink) Notify(_ context.Context, n domains.Notice) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got[n.Text]++
	return nil
}

// Two hosts that empty one outbox deliver each notification once.
func TestTwoCouriersOnPostgreSQL(t *testing.T) {
	const notices = 50
	o := sqlstore.Options{Seal: seal.Source{File: filepath.Join(t.TempDir(), "identity")}, Timeout: 2 * time.Minute}
	url := newDatabase(t)
	first, other := openWith(t, url, o), openWith(t, url, o)
	mustUpdate(t, first, func(tx domains.Tx) error {
		for i := range notices {
			n := domains.Notice{At: time.Now(), NextAt: time.Now(), Event: domains.KeyVerified, Text: fmt.Sprint("notice ", i)}
			if err := tx.PutNotice(n); err != nil {
				return err
			}
		}
		return nil
	})
	to := &sink{got: map[string]int{}}
	var group sync.WaitGroup
	for _, store := range []domains.Store{first, other} {
		group.Go(func() {
			courier := notify.NewCourier(store, domains.NewSystemClock(), slog.New(slog.DiscardHandler), notify.Channel{Name: "mail", Notifier: to})
			for more, err := true, error(nil); more; {
				if more, err = courier.Turn(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	for text, times := range to.got {
		if times != 1 {
			t.Errorf("%s was delivered %d times", text, times)
		}
	}
	if len(to.got) != notices {
		t.Errorf("%d were delivered, want %d", len(to.got), notices)
	}
}
