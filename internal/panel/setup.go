package panel

import (
	"net/http"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// setupPage has steps 2 to 4 of the wizard, and its end.
type setupPage struct {
	domains.Detail
	Sheet   records.Sheet
	Records []recordView
	Checks  []keyCheck
	Open    bool // not everything is verified: whoever leaves is asked
	Ticked  bool
}

func (v *visit) setupPage() error { return v.setupWith(nil) }

func (v *visit) setupWith(problem *Problem) error {
	d, sheet, err := v.detail()
	if err != nil {
		return err
	}
	if d.Domain.Watched() || d.Domain.IsSharedSet() {
		return v.redirect(v.path("dkim"))
	}
	wanted := sheet.With(records.Revoke, records.Publish)
	if len(wanted) == 0 {
		wanted = sheet.With(records.Stay)
	}
	body := setupPage{Detail: d, Sheet: sheet, Records: views(&sheet, wanted), Checks: checks(d), Open: unverified(d), Ticked: v.ticked("published")}
	return v.render(http.StatusOK, "setup", "Set up "+records.Both(d.Domain.Name), body, problem)
}

// finish takes "I have published these records" (KAR-21). Nobody gets to the end without
// a look at DNS (INF-25).
func (v *visit) finish() error {
	if !v.ticked("published") {
		return v.setupWith(refuse("KAR-21", "the box “I have published these records” is not ticked", "publish the records at your DNS provider first, then tick it and press Finish"))
	}
	d, err := v.service.Show(v.r.Context(), v.name)
	if err == nil && !wasChecked(d) {
		err = v.busy(func() error {
			_, err := v.service.Verify(v.r.Context(), v.actor(), v.name)
			return err
		})
	}
	if err == nil {
		_, err = v.service.Published(v.r.Context(), v.actor(), v.name)
	}
	problem, err := beside(err)
	switch {
	case err != nil:
		return err
	case problem != nil:
		return v.setupWith(problem)
	}
	return v.done(v.path("dkim"), note{Text: "Done. postseal looks at DNS by itself from now on; allow up to 48 hours. The status changes without anything to do for you."})
}

// wasChecked: DNS has been asked about every key that has to be there.
func wasChecked(d domains.Detail) bool {
	for _, k := range d.Keys {
		if current(k) && len(d.Runs[k.ID]) == 0 {
			return false
		}
	}
	return true
}

// unverified: DNS has not confirmed a key that waits for it.
func unverified(d domains.Detail) bool {
	for _, k := range d.Keys {
		if current(k) && k.VerifiedAt.IsZero() {
			return true
		}
	}
	return false
}

// detail is all about the row, and what DNS has to hold for it.
func (v *visit) detail() (domains.Detail, records.Sheet, error) {
	d, err := v.service.Show(v.r.Context(), v.name)
	if err != nil {
		return d, records.Sheet{}, err
	}
	zone := v.zones.of(v.r.Context(), v.domain)
	return d, records.Make(d, zone, v.service.KeepUntil), nil
}
