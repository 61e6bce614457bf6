package domains_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// The key zone gets another name, and the one before is forgotten: what a driver wrote
// there stays, and it is said what to do.
func TestForgottenKeyZone(t *testing.T) {
	w := zoned(t)
	k := w.world.add("example.com", func(r *domains.AddRequest) { r.Publish, r.Slots = domains.PublishCNAME, 2 })
	w.drive(time.Minute)
	w.text(k.Target, k.Record)
	w.policy.KeyZone = domains.KeyZone{Name: "keys.new", SharedTarget: "dkim.keys.new"}
	w.publishing.Drivers["ns"] = domains.Driver{Zones: []string{"example.com", "dkim.example.net", "keys.new"}, Writer: w.writer}
	w.restart()
	w.drive(time.Hour)
	w.text("pse1.example-com.keys.new", k.Record)
	w.text(k.Target, k.Record)
	w.text("pse2.example-com.dkim.example.net", domains.RevokedRecord)

	w.policy.KeyZone.Former = []string{"dkim.example.net"} // and now they can go, as nobody ever pointed there
	w.restart()
	w.drive(time.Hour)
	w.text(k.Target, "")
}

func TestForgottenKeyZoneIsSaid(t *testing.T) {
	for _, c := range []struct {
		name   string
		move   func(*domains.KeyZone)
		silent bool
	}{
		{"renamed", func(z *domains.KeyZone) { z.Name, z.SharedTarget = "keys.new", "" }, false},
		{"renamed, and the name of before is there", func(z *domains.KeyZone) { z.Name, z.SharedTarget, z.Former = "keys.new", "", []string{"keys.test"} }, true},
		{"no key zone any more", func(z *domains.KeyZone) { *z = domains.KeyZone{} }, false},
		{"as it was", func(*domains.KeyZone) {}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newProvider(t)
			a, s := o.signing("a.test", inCNAME(2)), o.signing("b.test", shared(2))
			var log bytes.Buffer
			before := slog.Default()
			defer slog.SetDefault(before)
			slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
			o.reconfigured(c.move)
			o.live(time.Minute)
			said := strings.Contains(log.String(), "put its name into key_zone.former") && strings.Contains(log.String(), "level=ERROR")
			if said == c.silent || said && (!strings.Contains(log.String(), a.Target) || !strings.Contains(log.String(), s.Target)) {
				t.Errorf("said %v:\n%s", said, log.String())
			}
		})
	}
}
