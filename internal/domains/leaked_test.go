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
