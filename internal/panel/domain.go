package panel

import (
	"net/http"
	"slices"
	"time"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// domainPage is everything about one row: Outgoing > DKIM (MA-9).
type domainPage struct {
	domains.Detail
	Shown    string // name of the row
	Sheet    records.Sheet
	Records  []recordView
	Checks   []keyCheck
	HandOver string // for whoever runs the DNS
	Journal  []domains.Entry
	Open     bool // not everything is verified
	Now      time.Time

	Selector, Bits string // of the form for a new pair
	DefaultBits    int
	CanAbort       bool
	CanRotate      bool
	CanEnable      bool // manual activation, or switched off
	HasKey         bool
	Tenant         bool     // looks at it
	Set            bool     // of shared keys: it has no record of its own, and no settings
	KeyZone        bool     // CNAME can be chosen
	Unbroken       string   // what another way of publishing means
	Modes          []choice // of publishing
}

// modes are the ways of publishing, in words. CNAME needs a key zone.
var modes = []choice{
	{string(domains.PublishTXT), "TXT: one for each key"},
	{string(domains.PublishCNAME), "CNAME: published once, keys change behind it"},
	{string(domains.PublishCNAMEShared), "CNAME to one target for all domains"},
}

// CanDelete: a row that shares has whatever the set has, but for what ends anyway.
func (p *domainPage) CanDelete(k domains.Key) bool {
	given := k.Pair != "" && k.State != domains.Retiring && p.Domain.Publish == domains.PublishCNAMEShared
	return k.State != domains.Retired && !p.Set && !given
}

// CanStop: a key that is shared is no tenant's to stop.
func (p *domainPage) CanStop(k domains.Key) bool {
	return !k.Compromised && (k.Pair == "" || !p.Tenant)
}

func (v *visit) domainPage() error { return v.domainWith(nil) }

func (v *visit) domainWith(problem *Problem) error {
	d, sheet, err := v.detail()
	if err != nil {
		return err
	}
	body := domainPage{
		Detail: d, Shown: shown(&d.Domain), Sheet: sheet, Records: views(&sheet, sheet.Records), Checks: checks(d), Open: unverified(d), Now: v.Now(),
		Selector: v.form("selector"), Bits: v.form("bits"), DefaultBits: v.Defaults.Bits, Journal: newestFirst(d.Journal), KeyZone: v.KeyZone, Unbroken: unbroken, Modes: modes,
		Set: d.Domain.IsSharedSet(), Tenant: !v.who.Operator(),
	}
	if len(sheet.Wanted()) > 0 {
		if body.HandOver, err = records.Write(records.Share, []records.Sheet{sheet}); err != nil {
			return err
		}
	}
	for _, k := range d.Keys {
		body.HasKey = body.HasKey || current(k)
		body.CanAbort = body.CanAbort || k.Follows(d.Keys) && current(k) && k.ActivatedAt.IsZero()
		body.CanRotate = body.CanRotate || (k.State == domains.Active || k.State == domains.Suspended) && !k.Compromised
		body.CanEnable = body.CanEnable || k.State == domains.Ready && d.Domain.Activation == domains.ActivateManual
	}
	body.CanEnable = body.CanEnable || !d.Domain.Enabled
	body.Open = body.Open && !body.Set
	return v.render(http.StatusOK, "domain", body.Shown, &body, problem)
}

func newestFirst(entries []domains.Entry) []domains.Entry {
	entries = slices.Clone(entries)
	slices.Reverse(entries)
	return entries
}

// retryPage is the dialog "Retry Domain Verification" (INF-34).
func (v *visit) retryPage() error {
	d, err := v.service.Show(v.r.Context(), v.name)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "retry", "Retry Domain Verification", domainPage{Detail: d, Checks: checks(d)}, nil)
}
