package domains

import (
	"iter"
	"maps"
	"slices"
	"time"
)

// savePublishing notes what drivers have to do after a transition, in the transition's own
// transaction: before it is tried, so that a crash forgets nothing.
func (l *life) savePublishing(tx Tx, before Situation) error {
	rows, err := tx.PublishedOf(l.domain.Name)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(p Published) bool { return p.Zoned })
	givenUp := l.domain.Driver == "" && before.Domain.Driver != "" && before.Domain.DeletedAt.IsZero()
	var steps []plan
	switch {
	case l.domain.Driver != "":
		steps = []plan{{now: l.now, driver: l.domain.Driver}}
		steps[0].compare(rows, l.wanted())
	case givenUp:
		steps = []plan{{gone: rows}}
	case len(rows) > 0:
		steps = l.leftToDrivers(rows)
	}
	for i := range steps {
		if err := steps[i].save(tx); err != nil {
			return err
		}
	}
	if err := l.revokeTargets(tx); err != nil {
		return err
	}
	return l.lookAgain(tx)
}

// leftToDrivers sees to what drivers wrote for a domain that was deleted, and came back
// without one: they keep these records until they are gone, and get no others.
func (l *life) leftToDrivers(rows []Published) (steps []plan) {
	of := map[string][]Published{}
	for _, r := range rows {
		of[r.Driver] = append(of[r.Driver], r)
	}
	for _, driver := range slices.Sorted(maps.Keys(of)) {
		want := slices.DeleteFunc(l.wanted(), func(w wanted) bool {
			return !slices.ContainsFunc(of[driver], func(r Published) bool { return r.Name == w.Name && r.Type == w.Type })
		})
		p := plan{now: l.now, driver: driver}
		p.compare(of[driver], want)
		steps = append(steps, p)
	}
	return steps
}

// plan compares what is wanted with what is there.
type plan struct {
	now    time.Time
	driver string // that is to do it
	zoned  bool

	put  []Published
	gone []Published
}

func (p *plan) compare(rows []Published, want []wanted) {
	place := func(name, kind string) [2]string { return [2]string{name, kind} }
	there := map[[2]string][]Published{}
	for _, r := range rows {
		there[place(r.Name, r.Type)] = append(there[place(r.Name, r.Type)], r)
	}
	for _, w := range want {
		have := there[place(w.Name, w.Type)]
		delete(there, place(w.Name, w.Type))
		p.want(p.handOver(have, w), w)
	}
	for _, r := range rows { // in their order
		if _, left := there[place(r.Name, r.Type)]; !left {
			continue
		}
		switch {
		case r.WrittenAt.IsZero() && len(r.Maybe) == 0: // nothing there is ours to remove
			p.gone = append(p.gone, r)
		case r.Want != "":
			p.want(r, wanted{owner: r.Owner})
		}
	}
}

// handOver gives the row of the present driver for a place. What another one wrote there
// is ours all the same; the new driver looks for itself whether it stands.
func (p *plan) handOver(have []Published, w wanted) Published {
	row := Published{Driver: p.driver, Name: w.Name, Type: w.Type, Owner: w.owner, Zoned: p.zoned}
	for _, h := range have {
		if h.Driver == p.driver {
			return h
		}
		p.gone = append(p.gone, h)
		row.Value, row.WrittenAt, row.Maybe = h.Value, h.WrittenAt, h.Maybe
	}
	return row
}

// want notes another wish, unless it is the one that stands there.
func (p *plan) want(row Published, w wanted) {
	if row.Want == w.Value && row.Until.Equal(w.until) && row.Owner == w.owner && !row.Since.IsZero() {
		return
	}
	row.Owner = w.owner
	due := p.now
	if w.Value == RevokedRecord && row.Want != "" { // a key stands there, and may be a stolen one
		due = due.Add(-publishAhead)
	}
	if row.Want == w.Value && row.Value == w.Value && row.Problem == "" && !row.Since.IsZero() { // only for how long
		row.Until, row.NextAt = w.until, w.until
	} else {
		row.Want, row.TTL, row.Until, row.Since, row.NextAt = w.Value, w.TTL, w.until, p.now, due
		row.Attempts, row.Problem, row.Foreign, row.ToldAt = 0, "", false, time.Time{}
	}
	p.put = append(p.put, row)
}

// ofNow leaves out the places whose rows have changed since the plan was made outside of any
// transaction: an attempt may have ended, and what it wrote must not be forgotten.
func (p *plan) ofNow(tx Tx) (*plan, error) {
	changed := map[[2]string]bool{}
	for _, r := range slices.Concat(p.gone, p.put) {
		now, err := tx.Published(r.Driver, r.Name, r.Type)
		if ignoreNotFound(err) != nil {
			return nil, err
		}
		if now.Revision != r.Revision {
			changed[[2]string{r.Name, r.Type}] = true
		}
	}
	of := func(rows []Published) []Published {
		return slices.DeleteFunc(slices.Clone(rows), func(r Published) bool { return changed[[2]string{r.Name, r.Type}] })
	}
	return &plan{put: of(p.put), gone: of(p.gone)}, nil
}

func (p *plan) save(tx Tx) error {
	for _, row := range p.gone {
		if err := tx.DeletePublished(row.Driver, row.Name, row.Type); err != nil {
			return err
		}
	}
	for _, row := range p.put {
		row.Revision++
		if err := tx.PutPublished(row); err != nil {
			return err
		}
	}
	return nil
}

// applied are the rows after a plan.
func (p *plan) applied(rows []Published) []Published {
	same := func(a *Published) func(Published) bool {
		return func(b Published) bool { return a.Driver == b.Driver && a.Name == b.Name && a.Type == b.Type }
	}
	rows = slices.Clone(rows)
	for _, g := range p.gone {
		rows = slices.DeleteFunc(rows, same(&g))
	}
	for _, put := range p.put {
		if at := slices.IndexFunc(rows, same(&put)); at >= 0 {
			rows[at] = put
		} else {
			rows = append(rows, put)
		}
	}
	return rows
}

// parts parts a plan, so that no transaction is too long. Each place is in one of them:
// a row that goes and the one that comes for it.
func (p *plan) parts(rows int) iter.Seq[*plan] {
	return func(yield func(*plan) bool) {
		gone := map[[2]string][]Published{}
		for _, r := range p.gone {
			gone[[2]string{r.Name, r.Type}] = append(gone[[2]string{r.Name, r.Type}], r)
		}
		for put := range slices.Chunk(p.put, rows) {
			part := &plan{put: put}
			for _, r := range put {
				part.gone = append(part.gone, gone[[2]string{r.Name, r.Type}]...)
				delete(gone, [2]string{r.Name, r.Type})
			}
			if !yield(part) {
				return
			}
		}
		for _, left := range gone {
			if !yield(&plan{gone: left}) {
				return
			}
		}
	}
}
