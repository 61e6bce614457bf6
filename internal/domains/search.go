package domains

import (
	"context"
	"slices"
	"strings"
)

// Search selects rows of a list of many.
type Search struct {
	After    string   // names above this
	Contains string   // part of a name, in A-labels; empty: any
	Words    []string // of Status; none: any
	Limit    int
}

// Search lists rows by name, and tells whether there are more.
func (s *Service) Search(ctx context.Context, q Search) (rows []Row, more bool, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		rows, more = nil, false
		for after := q.After; ; {
			domains, err := tx.Domains(after, page)
			if err != nil {
				return err
			}
			last := len(domains) < page
			if len(domains) > 0 {
				after = domains[len(domains)-1].Name
			}
			domains = slices.DeleteFunc(domains, func(d Domain) bool {
				return !d.DeletedAt.IsZero() || !strings.Contains(d.Name, q.Contains)
			})
			keys, err := s.keysFor(tx, domains, &q)
			if err != nil {
				return err
			}
			for _, d := range domains {
				row, err := s.rowIn(tx, d, keys)
				switch {
				case err != nil:
					return err
				case len(q.Words) > 0 && !slices.Contains(q.Words, row.Status.Word):
					continue
				case len(rows) == q.Limit:
					more = true
					return nil
				}
				rows = append(rows, row)
			}
			if last {
				return nil
			}
		}
	})
	return rows, more, err
}

// keysFor reads the keys of many rows at once where each has to be looked at for its
// status; nil: row by row. A tenant's rows are few, and lie far apart among those of others.
func (s *Service) keysFor(tx Tx, rows []Domain, q *Search) (map[string][]Key, error) {
	const many = 50
	if _, tenant := tx.(tenantTx); tenant || len(q.Words) == 0 || len(rows) < many {
		return nil, nil
	}
	return keysBetween(tx, rows[0].Name, rows[len(rows)-1].Name)
}

// rowIn is a row whose keys may have been read already.
func (s *Service) rowIn(tx Tx, d Domain, keys map[string][]Key) (Row, error) {
	if keys == nil {
		return s.row(tx, d)
	}
	return s.rowOf(tx, d, byAge(keys[d.Name]))
}

// keysBetween reads the keys of the rows from one name to another, a page at a time.
func keysBetween(tx Tx, first, last string) (map[string][]Key, error) {
	out := map[string][]Key{}
	owner, id := first, "" // no key has an empty ID
	for {
		keys, err := tx.Keys(owner, id, page)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			if owner, id = k.Owner, k.ID; owner > last {
				return out, nil
			}
			out[owner] = append(out[owner], k)
		}
		if len(keys) < page {
			return out, nil
		}
	}
}

// Count counts rows, up to most.
func (s *Service) Count(ctx context.Context, most int) (n int, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		n = 0
		for after := ""; ; {
			rows, err := tx.Domains(after, page)
			if err != nil {
				return err
			}
			for _, d := range rows {
				if after = d.Name; d.DeletedAt.IsZero() {
					n++
				}
			}
			if n >= most || len(rows) < page {
				n = min(n, most)
				return nil
			}
		}
	})
	return n, err
}
