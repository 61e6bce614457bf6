package panel

import (
	"net/http"
	"strconv"

	"github.com/postseal/postseal/internal/domains"
)

// journalPage is who did what, the latest first.
type journalPage struct {
	Domain string
	Lines  []domains.Entry
	Limit  int
	More   bool
}

// The lines of a page.
const (
	journalLines = 200
	maxJournal   = 5000
)

func (v *visit) journalPage() error {
	q := v.r.URL.Query()
	limit, err := strconv.Atoi(q.Get("lines"))
	if err != nil || limit < 1 {
		limit = journalLines
	}
	limit = min(limit, maxJournal)
	subject := trimmed(q.Get("domain"))
	if name, _, err := domains.ParseRow(subject); err == nil {
		subject = name
	}
	lines, err := v.service.Journal(v.r.Context(), domains.JournalQuery{Domain: subject, Last: true, Limit: limit})
	if err != nil {
		return err
	}
	body := journalPage{Domain: subject, Lines: newestFirst(lines), More: len(lines) == limit && limit < maxJournal, Limit: min(limit*5, maxJournal)}
	return v.render(http.StatusOK, "journal", "Journal", body, nil)
}
