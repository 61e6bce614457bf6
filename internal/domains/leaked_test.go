package domains_test

import (
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// A key whose private half somebody publishes is compromised (D309), whoever finds it and whatever stands there afterwards.
func TestPublishedPrivateHalf(t *testing.T) {
	for name, look := range map[string]func(*world){
		"found by the schedule": func(w *world) { w.live(2 * time.Hour) },
		"found by verify":       func(w *world) { w.finding("example.com", "D309") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			z := w.realDNS()
			k := w.add("example.com")
			z.publish(t, k, k.Record)
			w.live(2 * time.Minute)
			w.is(k.ID, domains.Active)
			lines := strings.Split(strings.TrimSpace(w.private(k.ID)), "\n") // with armour around
			z.publish(t, k, "v=DKIM1; k=ed25519; p="+strings.Join(lines[1:len(lines)-1], ""))
			look(w)
			w.neverAgain("example.com", k.Print)
			w.warned(record(k))
			if keys := w.keys("example.com"); len(keys) != 2 {
				t.Errorf("nothing follows: %+v", keys)
			}
			z.publish(t, k, k.Record) // somebody puts it right
			w.live(7 * day)
			w.neverAgain("example.com", k.Print)
			if n := w.told(domains.KeyCompromised); n != 1 {
				t.Errorf("told %d times", n)
			}
		})
	}
}

// leaks puts the private half of a key, with the armour around it taken off, at a name.
func (w *world) leaks(z *zone, k domains.Key, at domains.Key) {
	w.Helper()
	lines := strings.Split(strings.TrimSpace(w.private(k.ID)), "\n")
	z.publish(w.T, at, "v=DKIM1; k=ed25519; p="+strings.Join(lines[1:len(lines)-1], ""))
}

// It is the published pair that is compromised, not the one that has its selector now.
func TestPublishedPrivateHalfOfBefore(t *testing.T) {
	w := newWorld(t)
	z := w.realDNS()
	old := w.add("example.com")
	z.publish(t, old, old.Record)
	w.live(2 * time.Minute)
	added, err := w.service.Regenerate(w.ctx, "root", "example.com", domains.RotateRequest{InPlace: true, Yes: true})
	w.must(err)
	next := added.Keys[0]
	if next.Selector != old.Selector {
		t.Fatalf("%s follows %s", next.Selector, old.Selector)
	}
	w.leaks(z, old, old)
	w.finding("example.com", "D309")
	if k := w.key(old.ID); !k.Compromised || k.State != domains.Retired {
		t.Errorf("the published pair is %s, compromised %v", k.State, k.Compromised)
	}
	for _, n := range w.notices() {
		if n.Event == domains.KeyCompromised && strings.Contains(n.Text, domains.RevokedRecord) {
			t.Errorf("somebody is told to revoke the key of now: %s", n.Text)
		}
	}
	if k := w.key(next.ID); k.Compromised || k.State != domains.Active {
		t.Errorf("the key of now is %s, compromised %v", k.State, k.Compromised)
	}
}

// A key is lent to a domain that publishes its private half: it is stopped where it is from.
func TestPublishedPrivateHalfOfLentKey(t *testing.T) {
	for name, look := range map[string]func(*world){
		"found by the schedule": func(w *world) { w.live(2 * time.Hour) },
		"found by verify":       func(w *world) { w.finding("lent:shop.example.com", "D309") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			z := w.realDNS()
			k := w.add("example.com")
			z.publish(t, k, k.Record)
			w.live(2 * time.Minute)
			w.lends("example.com", "shop.example.com")
			w.live(2 * time.Minute)
			w.leaks(z, k, w.keys("lent:shop.example.com")[0])
			look(w)
			w.neverAgain("example.com", k.Print)
			w.warned(record(k))
		})
	}
}

// Who finds the private half when the key is due for rotation tells of one thing: it has a successor then.
func TestPublishedPrivateHalfWhenRotationIsDue(t *testing.T) {
	w := newWorld(t)
	z := w.realDNS()
	k := w.add("example.com")
	_, err := w.service.Configure(w.ctx, "root", "example.com", domains.Settings{RotateEvery: ptr(90 * day)})
	w.must(err)
	z.publish(t, k, k.Record)
	w.live(2 * time.Minute)
	w.live(w.key(k.ID).ActivatedAt.Add(90*day - time.Minute).Sub(w.clock.Now()))
	w.leaks(z, k, k)
	w.live(3 * time.Hour)
	w.neverAgain("example.com", k.Print)
	if n := w.told(domains.RotationBlocked); n != 0 {
		t.Errorf("a rotation is blocked, %d times", n)
	}
}
