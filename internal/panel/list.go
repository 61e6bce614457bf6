package panel

import (
	"net/http"
	"slices"
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// pageRows bounds the rows of a page.
const pageRows = 100

// listPage is the table of all domains (OCR-10, OCR-13).
type listPage struct {
	Query      string
	Word       string // of the status that is looked for
	Words      []string
	Rows       []listRow
	Candidates []domains.Candidate // not set up yet
	More       int                 // candidates beyond those
	Next       string              // address of the next page
	Form       addForm
}

// listRow is one key, or a row that has none.
type listRow struct {
	Name     string
	Domain   string // d=
	Watched  string // "keytable" or "lent": its keys are only watched
	First    bool   // of its domain
	Selector string
	Type     string
	Host     string
	Value    string
	Status   domains.Status
	Steps    []step
}

// Explain tells whether the list has to say what is wrong.
func (r listRow) Explain() bool {
	return r.First && (r.Status.Colour == "red" || r.Status.Colour == "amber")
}

// step is something to do next.
type step struct{ Label, Path string }

// addForm is what stands in the blank last row.
type addForm struct {
	Domain, Selector string
	Problem          *Problem
}

func (v *visit) list() error { return v.listWith(addForm{}) }

func (v *visit) listWith(form addForm) error {
	query := v.r.URL.Query()
	body := listPage{Query: trimmed(query.Get("q")), Word: query.Get("status"), Words: searchable, Form: form}
	q := domains.Search{After: query.Get("after"), Contains: searchFor(body.Query), Limit: pageRows}
	if slices.Contains(searchable, body.Word) {
		q.Words = []string{body.Word}
	}
	rows, more, err := v.service.Search(v.r.Context(), q)
	if err != nil {
		return err
	}
	for _, r := range rows {
		body.Rows = append(body.Rows, listRows(r)...)
	}
	switch {
	case more:
		next := v.r.URL.Query()
		next.Set("after", rows[len(rows)-1].Domain.Name)
		body.Next = "/domains?" + next.Encode()
	case q.Words == nil:
		if err := v.addCandidates(&body, q.Contains); err != nil {
			return err
		}
	}
	return v.render(http.StatusOK, "list", "Domains", body, form.Problem)
}

// searchable are the statuses that a list can be narrowed to.
var searchable = []string{
	"error", "check-dns", "revalidate", "unverified", "compromised", "pending", "ready", "rotating", "connected", "disabled", "requested", "not-published", "no-key",
}

// searchFor is what names contain when somebody looks for this.
func searchFor(text string) string {
	text = strings.ToLower(text)
	if domain, err := domains.ParseDomain(text, true); err == nil {
		return domain
	}
	return text
}

func (v *visit) addCandidates(body *listPage, part string) error {
	all, err := v.candidates()
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(c domains.Candidate) bool { return !strings.Contains(c.Domain, part) })
	if body.More = len(all) - pageRows; body.More > 0 {
		all = all[:pageRows]
	}
	body.Candidates = all
	return nil
}

// candidates are domains that mail is sent from and that nobody has added, each once. What
// the host's sources say is for the operator: they do not tell whose a domain is.
func (v *visit) candidates() ([]domains.Candidate, error) {
	var found []domains.Sighting
	if v.who.Operator() {
		found = v.seen.get(v.r.Context())
	}
	all, err := v.service.Candidates(v.r.Context(), found...)
	return slices.CompactFunc(all, func(a, b domains.Candidate) bool { return a.Domain == b.Domain }), err
}

// listRows are the lines of one domain: one for each key that signs or is going to.
func listRows(r domains.Row) []listRow {
	base := listRow{Name: r.Domain.Name, Domain: r.Domain.Name, Status: r.Status, First: true, Steps: stepsOf(r)}
	if base.Watched = watched(&r.Domain); base.Watched != "" {
		base.Domain = r.Domain.SigningDomain()
	}
	var out []listRow
	for _, k := range r.Keys {
		if !current(k) {
			continue
		}
		line := base
		line.Selector, line.Host, line.Type, line.Value = k.Selector, dkim.RecordName(k.Selector, k.Domain), "TXT", k.Record
		if k.Target != "" {
			line.Type, line.Value = "CNAME", k.Target+"."
		}
		out = append(out, line)
		base.First, base.Steps = false, nil
	}
	if out == nil {
		return []listRow{base}
	}
	return out
}

// watched says why the keys of a row are only watched; empty for one that is managed.
func watched(d *domains.Domain) string {
	switch {
	case d.Lent():
		return "lent"
	case d.Watched():
		return "keytable"
	}
	return ""
}

// shown is the name of a row for people.
func shown(d *domains.Domain) string {
	if why := watched(d); why != "" {
		return records.Both(d.SigningDomain()) + " (" + why + ")"
	}
	return records.Both(d.Name)
}

// current keys sign or are going to.
func current(k domains.Key) bool { return k.State != domains.Retiring && k.State != domains.Retired }

// stepsOf is what can be done next, by status (INF-33).
func stepsOf(r domains.Row) []step {
	at := func(label, page string) step { return step{label, rowPath(r.Domain.Name, page)} }
	retry := at("Retry validation", "retry")
	if r.Domain.Watched() {
		return []step{retry}
	}
	switch r.Status.Word {
	case "shared":
		return []step{at("Show the keys", "dkim")}
	case "requested":
		return []step{{"Add DKIM record", "/domains/new?domain=" + queryEscape(r.Domain.Name)}}
	case "no-key":
		return []step{at("Generate a key", "dkim")}
	case "disabled":
		return []step{at("Enable", "dkim")}
	case "ready":
		return []step{at("Enable", "dkim")}
	case "not-published", "pending":
		return []step{at("Publish the records", "setup"), retry}
	case "rotating":
		return []step{at("Publish the new record", "setup"), retry}
	case "compromised":
		return []step{at("Change the record at once", "dkim")}
	case "connected":
		return []step{at("Show the records", "dkim")}
	}
	return []step{at("See what is wrong", "dkim"), retry}
}
