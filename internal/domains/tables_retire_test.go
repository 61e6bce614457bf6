package domains_test

import (
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// A key that stands in a table, too, goes on signing whatever the store made of it: it
// does not retire before its line is gone and its last mail has arrived.
func TestKeyOfATableDoesNotRetire(t *testing.T) {
	w := newWorld(t)
	line, private := tableKey(t, "example.com", "s1")
	w.tables(mx1, false, line)
	pem, err := private.PEM()
	w.must(err)
	imported, err := w.service.Import(w.ctx, "root", domains.ImportRequest{AddRequest: domains.AddRequest{Name: "example.com", Selector: "s1"}, PEM: pem})
	w.must(err)
	old := imported.Keys[0]
	w.publish(old)
	w.live(time.Hour)
	w.tables(mx1, false, line)
	rotated, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
	w.must(err)
	w.publish(rotated.Keys[0])
	w.live(30 * day)
	if k := w.key(old.ID); k.State != domains.Retiring || k.BlockedAt.IsZero() {
		t.Errorf("%s after 30 days in a table, blocked at %v", k.State, k.BlockedAt)
	}
	w.tables(mx1, false)
	w.live(6 * day)
	if k := w.key(old.ID); k.State != domains.Retiring {
		t.Errorf("%s while mail is under way", k.State)
	}
	w.live(3 * day)
	if k := w.key(old.ID); k.State != domains.Retired {
		t.Errorf("%s long after its line was taken out", k.State)
	}
}
