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
			for _, d := range domains {
				after = d.Name
				if !d.DeletedAt.IsZero() || !strings.Contains(d.Name, q.Contains) {
					continue
				}
				row, err := s.row(tx, d)
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
			if len(domains) < page {
				return nil
			}
		}
	})
	return rows, more, err
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
