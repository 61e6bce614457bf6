package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// keyZoneFlags are those of `export --key-zone`.
type keyZoneFlags struct {
	on     bool
	zone   string // empty: the key zone itself
	serial uint32 // 0: the time
}

// printKeyZone writes the zone that customers' CNAME records point into.
func (m *managing) printKeyZone(ctx context.Context, s *store, f keyZoneFlags, format records.Format) error {
	z := s.keyZone
	if z.Name == "" {
		return noKeyZone()
	}
	all, err := s.service.KeyZone(ctx)
	if err != nil {
		return err
	}
	if format == records.JSON {
		return m.printJSON(all)
	}
	switch {
	case format != records.Bind:
		return &exitError{exitUsage, fmt.Errorf("the key zone is written as %s or %s, not as %s", records.Bind, records.JSON, format)}
	case f.zone == "" || f.zone == z.Name:
		return m.printZone(s, z, f.serial, all)
	case !slices.Contains(z.Former, f.zone):
		return &exitError{exitUsage, fmt.Errorf("%s is no zone of before: key_zone.former has %v", f.zone, z.Former)}
	}
	fmt.Fprint(m.out, records.KeyZoneLines(f.zone, all))
	return nil
}

func (m *managing) printZone(s *store, z config.KeyZone, serial uint32, all []domains.DNSRecord) error {
	if len(z.NameServers) == 0 {
		return &domains.Refused{
			Rule: "no-name-servers", What: "a zone file needs NS records, and key_zone.name_servers is empty",
			Way: "name the zone's servers there; or take the records alone with --format json",
		}
	}
	if serial == 0 {
		serial = serialAt(s.now())
	}
	head := records.ZoneHead{Zone: z.Name, NameServers: z.NameServers, Hostmaster: z.Hostmaster, Serial: serial}
	fmt.Fprint(m.out, records.KeyZoneFile(head, all))
	for _, former := range z.Former {
		if n := countIn(all, former); n > 0 {
			fmt.Fprintf(m.err, "postseal: %s has to be served too, %d records: --key-zone --zone %s\n", former, n, former)
		}
	}
	return nil
}

// serialAt grows with the time (RFC 1982), and past serials of the form YYYYMMDDnn,
// which are higher, only by hand: see --serial.
func serialAt(now time.Time) uint32 { return uint32(now.Unix()) }

func countIn(all []domains.DNSRecord, zone string) (n int) {
	for _, r := range all {
		if r.Zone == zone {
			n++
		}
	}
	return n
}

func noKeyZone() error {
	return &domains.Refused{
		Rule: "no-key-zone", What: "no key zone is configured, so there is none to write",
		Way: "set key_zone.name to the zone that customers' CNAME records are to point into",
	}
}

// errKeyZoneOnly says that a zone is not that of some domains.
var errKeyZoneOnly = errors.New("--key-zone is the whole zone: name no domains")
