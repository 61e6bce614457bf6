package domains

import (
	"errors"
	"fmt"
)

// rowPublishing are the records of a row that drivers see to: in the zone of its domain, and
// those of its keys in the key zone.
func (s *Service) rowPublishing(tx Tx, d *Domain, keys []Key) ([]Published, error) {
	if d.Driver == "" && s.publishing.KeyZone == "" {
		return nil, nil
	}
	rows, err := tx.PublishedOf(d.Name)
	for _, k := range keys {
		if err != nil || s.publishing.KeyZone == "" || k.Target == "" || !k.living() {
			continue
		}
		row, missing := tx.Published(s.publishing.KeyZone, k.Target, "TXT")
		switch {
		case missing == nil && row.Owner != d.Name: // one of the shared set
			rows = append(rows, row)
		case missing != nil && !errors.Is(missing, ErrNotFound):
			err = missing
		}
	}
	return rows, err
}

// withPublishing says in a status what the drivers have to do with it: why a record is not
// there yet, or that it was written and is looked for.
func (s Status) withPublishing(d *Domain, rows []Published) Status {
	for i := range rows {
		p := &rows[i]
		if p.Problem == "" || s.Word == "disabled" || s.Word == "connected" && !p.Foreign {
			continue
		}
		s.Text = fmt.Sprintf("the driver %s cannot see to %s: %s", p.Driver, p.describe(), p.Problem)
		s.Fix = "mend it; postseal tries again at " + stamp(p.NextAt) + ", or at once with `postseal domain publish " + d.Name + "`"
		return s
	}
	if s.Word != "pending" || d.Driver == "" {
		return s
	}
	for i := range rows {
		if p := &rows[i]; !p.Zoned && p.Want != p.Value {
			s.Text = fmt.Sprintf("the driver %s is about to write %s", p.Driver, p.describe())
			return s
		} else if !p.Zoned && p.Want != "" && !p.WrittenAt.IsZero() {
			s.Text = fmt.Sprintf("the driver %s wrote the record at %s; waiting until DNS has it at every name server", p.Driver, stamp(p.WrittenAt))
		}
	}
	return s
}
