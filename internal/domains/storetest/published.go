package storetest

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

func (t *memoryTx) Published(driver, name, kind string) (domains.Published, error) {
	p, err := get(t.m.data.published, [3]string{driver, name, kind})
	p.Maybe = slices.Clone(p.Maybe)
	return p, err
}

// publishedThat lists what matches by name, type, driver.
func (t *memoryTx) publishedThat(match func(*domains.Published) bool) []domains.Published {
	var out []domains.Published
	for _, p := range t.m.data.published {
		if match(&p) {
			p.Maybe = slices.Clone(p.Maybe)
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b domains.Published) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Type, b.Type), strings.Compare(a.Driver, b.Driver))
	})
	return out
}

func (t *memoryTx) PublishedOf(owner string) ([]domains.Published, error) {
	return t.publishedThat(func(p *domains.Published) bool { return p.Owner == owner }), nil
}

func (t *memoryTx) PublishedBelow(driver, apex string) ([]domains.Published, error) {
	return t.publishedThat(func(p *domains.Published) bool {
		return p.Driver == driver && (p.Name == apex || strings.HasSuffix(p.Name, "."+apex))
	}), nil
}

func (t *memoryTx) PublishedInKeyZone() ([]domains.Published, error) {
	return t.publishedThat(func(p *domains.Published) bool { return p.Zoned }), nil
}

func (t *memoryTx) PublishedDue(driver string, at time.Time, limit int) ([]domains.Published, error) {
	out := t.publishedThat(func(p *domains.Published) bool {
		return p.Driver == driver && !p.NextAt.IsZero() && !p.NextAt.After(at)
	})
	slices.SortStableFunc(out, func(a, b domains.Published) int { return a.NextAt.Compare(b.NextAt) })
	return out[:min(limit, len(out))], nil
}

func (t *memoryTx) PublishedDrivers() (drivers []string, err error) {
	for _, p := range t.publishedThat(func(p *domains.Published) bool { return !p.NextAt.IsZero() }) {
		drivers = append(drivers, p.Driver)
	}
	slices.Sort(drivers)
	return slices.Compact(drivers), nil
}

func (t *memoryTx) PutPublished(p domains.Published) error {
	p.Maybe = slices.Clone(p.Maybe)
	return put(t, t.m.data.published, [3]string{p.Driver, p.Name, p.Type}, p)
}

func (t *memoryTx) DeletePublished(driver, name, kind string) error {
	return remove(t, t.m.data.published, [3]string{driver, name, kind})
}

func fullPublished(driver, name string, next time.Time) domains.Published {
	return domains.Published{
		Driver: driver, Name: name, Type: "TXT", Owner: "example.com", Zoned: true, Value: "v=DKIM1; p=AA", WrittenAt: moment, Maybe: []string{"a", "b;\"\\"},
		Want: "v=DKIM1; p=", TTL: 3600, Until: moment.Add(time.Hour), Since: moment.Add(time.Minute), NextAt: next, Attempts: 3, Problem: "ünreachable",
		Foreign: true, ToldAt: moment.Add(time.Second), Revision: 7,
	}
}

func published(t *testing.T, s domains.Store) {
	late := fullPublished("ns", "a._domainkey.example.com", moment.Add(time.Hour))
	early := fullPublished("ns", "b._domainkey.example.com", moment)
	idle := domains.Published{Driver: "ns", Name: "c.dkim.example.net", Type: "CNAME", Owner: "other.example"}
	again := fullPublished("other", "a._domainkey.example.com", time.Time{})
	third := fullPublished("third", "d._domainkey.example.org", moment)
	third.Owner, third.Zoned = "example.org", false
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.PutPublished(late), tx.PutPublished(early), tx.PutPublished(idle), tx.PutPublished(again), tx.PutPublished(third))
	})
	view(t, s, func(tx domains.Tx) error {
		same(t, late)(tx.Published("ns", late.Name, "TXT"))
		same(t, idle)(tx.Published("ns", idle.Name, "CNAME"))
		same(t, []domains.Published{late, again, early})(tx.PublishedOf("example.com"))
		same(t, []domains.Published{late, again, early})(tx.PublishedInKeyZone())
		same(t, []domains.Published{late, early})(tx.PublishedBelow("ns", "example.com"))
		same(t, []domains.Published{late})(tx.PublishedBelow("ns", late.Name))
		same(t, []domains.Published(nil))(tx.PublishedBelow("ns", "ample.com"))
		same(t, []domains.Published(nil))(tx.PublishedBelow("ns", "_xample.com"))
		same(t, []domains.Published{early})(tx.PublishedDue("ns", moment, 10))
		same(t, []domains.Published{early, late})(tx.PublishedDue("ns", moment.Add(2*time.Hour), 10))
		same(t, []domains.Published{early})(tx.PublishedDue("ns", moment.Add(2*time.Hour), 1))
		same(t, []domains.Published(nil))(tx.PublishedDue("other", moment.Add(2*time.Hour), 10))
		same(t, []string{"ns", "third"})(tx.PublishedDrivers())
		if _, err := tx.Published("ns", idle.Name, "TXT"); !errors.Is(err, domains.ErrNotFound) {
			t.Errorf("another type: %v", err)
		}
		return nil
	})
	late.Want, late.NextAt = "", time.Time{}
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.PutPublished(late), tx.DeletePublished("ns", early.Name, "TXT"), tx.DeletePublished("ns", "nobody", "TXT"))
	})
	view(t, s, func(tx domains.Tx) error {
		same(t, []domains.Published{late, again})(tx.PublishedOf("example.com"))
		same(t, []domains.Published(nil))(tx.PublishedDue("ns", moment.Add(2*time.Hour), 10))
		return nil
	})
}
