package domains

import (
	"context"
	"fmt"
	"slices"
)

// Publication is a record that a driver sees to, as it stands and as it shall be.
type Publication struct {
	DNSRecord            // Value is empty where nothing is to stand
	Driver    string     `json:"driver"`
	Owner     string     `json:"domain"`
	Verdict   DNSVerdict `json:"verdict,omitempty"`
	Was       []string   `json:"was,omitempty"`     // "TXT v=DKIM1…": what stood there before
	Problem   string     `json:"problem,omitempty"` // why it is not done, or cannot be
}

// PlanPublishing tells what the drivers would do now for rows, and for the key zone, and
// changes nothing: neither DNS nor the store.
func (s *Service) PlanPublishing(ctx context.Context, names []string, keyZone bool) ([]Publication, error) {
	var rows []Published
	for _, name := range names {
		of, err := s.wouldPublish(ctx, name)
		if err != nil {
			return nil, err
		}
		rows = append(rows, of...)
	}
	if keyZone {
		zone, err := s.wouldPublishKeyZone(ctx)
		if err != nil {
			return nil, err
		}
		rows = append(rows, zone...)
	}
	out := make([]Publication, len(rows))
	var order [][2]string // driver and zone
	batches := map[[2]string][]int{}
	for i := range rows {
		rows[i].expire(s.now())
		zone, err := s.publishing.mayWrite(&rows[i])
		out[i] = publicationOf(&rows[i], zone)
		if err != nil {
			out[i].Problem = err.Error()
			continue
		}
		key := [2]string{rows[i].Driver, zone}
		if batches[key] == nil {
			order = append(order, key)
		}
		batches[key] = append(batches[key], i)
	}
	away := map[string]bool{} // drivers that gave no answer
	for _, key := range order {
		if away[key[0]] {
			for _, at := range batches[key] {
				out[at].Problem = notTried(key[0])
			}
			continue
		}
		away[key[0]] = isSilent(s.planBatch(ctx, key[0], key[1], rows, batches[key], out))
	}
	return out, nil
}

// planBatch asks one driver about the rows at some places. The error is in what it tells of
// them, too.
func (s *Service) planBatch(ctx context.Context, name, zone string, rows []Published, places []int, out []Publication) error {
	ctx, cancel := context.WithTimeout(ctx, publishFor)
	defer cancel()
	changes := make([]DNSChange, len(places))
	for i, at := range places {
		changes[i] = rows[at].change(zone)
	}
	driver := s.publishing.Drivers[name]
	outcomes, err := driver.Writer.Plan(ctx, zone, changes)
	if err == nil && len(outcomes) != len(changes) {
		err = fmt.Errorf("the driver %s tells of %d records where it was asked about %d", name, len(outcomes), len(changes))
	}
	for i, at := range places {
		if err != nil {
			out[at].Problem = err.Error()
			continue
		}
		out[at].tell(&rows[at], outcomes[i])
	}
	return err
}

func publicationOf(row *Published, zone string) Publication {
	return Publication{
		DNSRecord: DNSRecord{Zone: zone, Name: row.Name, Type: row.Type, Value: row.Want, TTL: row.TTL},
		Driver:    row.Driver, Owner: row.Owner,
	}
}

func (p *Publication) tell(row *Published, o DNSOutcome) {
	p.Verdict = o.Verdict
	for _, r := range o.Was {
		p.Was = append(p.Was, r.Type+" "+r.Value)
	}
	switch {
	case o.Err != nil:
		p.Problem = o.Err.Error()
	case o.Verdict == DNSForeign:
		p.Problem = foreignText(row, o)
	}
}

// wouldPublish are the records of a row as `publish` would leave them in the store.
func (s *Service) wouldPublish(ctx context.Context, name string) (rows []Published, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		before, err := loadLive(tx, name)
		if err != nil {
			return err
		}
		if err := s.driven(&before.Domain); err != nil {
			return err
		}
		l := s.life(before, "", "publish")
		l.beginWithheld()
		rows, err = tx.PublishedOf(name)
		rows = slices.DeleteFunc(rows, func(p Published) bool { return p.Zoned })
		steps := plan{now: l.now, driver: l.domain.Driver}
		steps.compare(rows, l.wanted())
		rows = steps.applied(rows)
		return err
	})
	return rows, err
}

// driven refuses a row that a person publishes.
func (s *Service) driven(d *Domain) error {
	if d.Driver != "" {
		return s.checkDriver(d)
	}
	return &Refused{
		Rule: "no-driver", What: "no DNS driver is configured for " + d.Name,
		Way: "`postseal domain set " + d.Name + " --driver NAME` gives it to a [[driver]] of the configuration; `postseal domain records " + d.Name +
			"` shows what a person has to publish, --format nsupdate a script",
	}
}

func (s *Service) wouldPublishKeyZone(ctx context.Context) ([]Published, error) {
	if s.publishing.KeyZone == "" {
		return nil, &Refused{
			Rule: "no-driver", What: "no DNS driver is configured for the key zone",
			Way: "name a [[driver]] in key_zone.driver; `postseal domain export --key-zone` writes the zone for a person",
		}
	}
	step, rows, err := s.compareKeyZone(ctx)
	if err != nil {
		return nil, err
	}
	return step.applied(rows), nil
}

// Publish has the drivers write now, whatever the schedule: records that were withheld are
// handed out, and those that stand are looked at again.
func (s *Service) Publish(ctx context.Context, actor string, names []string, keyZone bool) ([]Publication, error) {
	var rows []Published
	for _, name := range names {
		if err := s.beginPublishing(ctx, actor, name); err != nil {
			return nil, err
		}
		err := s.store.View(ctx, func(tx Tx) error {
			of, err := tx.PublishedOf(name)
			for _, p := range of {
				if !p.Zoned {
					rows = append(rows, p)
				}
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if keyZone {
		if _, err := s.wouldPublishKeyZone(ctx); err != nil {
			return nil, err
		}
		if err := s.planKeyZone(ctx, s.store.Update); err != nil {
			return nil, err
		}
		err := s.store.View(ctx, func(tx Tx) error {
			zone, err := tx.PublishedInKeyZone()
			rows = append(rows, zone...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return s.publishNow(ctx, actor, rows)
}

// publishNow has the drivers write rows. One that gave no answer about a zone is not asked
// about others: those wait for the daemon.
func (s *Service) publishNow(ctx context.Context, actor string, rows []Published) (out []Publication, err error) {
	away := map[string]bool{} // drivers that gave no answer
	for _, part := range s.batches(rows) {
		driver := part[0].Driver
		if away[driver] {
			for i := range part {
				p := publicationOf(&part[i], s.zoneFor(&part[i]))
				p.Problem = notTried(driver)
				out = append(out, p)
			}
			continue
		}
		done, err := s.publish(ctx, actor, part, s.store.Update, true)
		for _, d := range done {
			p := publicationOf(&d.Published, s.zoneFor(&d.Published))
			p.tell(&d.Published, d.outcome)
			out = append(out, p)
		}
		if err != nil {
			return out, err
		}
		away[driver] = silent(done)
	}
	return out, nil
}

func (s *Service) beginPublishing(ctx context.Context, actor, name string) error {
	return s.change(ctx, actor, "publish", name, func(_ Tx, l *life) error {
		if err := s.driven(&l.domain); err != nil {
			return err
		}
		l.beginWithheld()
		return nil
	})
}

func (s *Service) zoneFor(p *Published) string {
	driver := s.publishing.Drivers[p.Driver]
	return driver.zoneOf(p.Name)
}
