package panel

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// listed is a page of domains.
type listed struct {
	Domains []domains.Row `json:"domains"`
	Next    string        `json:"next,omitempty"` // for ?after=; empty: there are no more
}

// maxListed bounds a page.
const maxListed = 1000

func (c *call) domains() (answered, error) {
	q := c.r.URL.Query()
	limit, err := number(q.Get("limit"), pageRows)
	if err != nil {
		return answered{}, err
	}
	search := domains.Search{After: q.Get("after"), Contains: searchFor(trimmed(q.Get("q"))), Limit: min(max(limit, 1), maxListed)}
	if words := q.Get("status"); words != "" {
		search.Words = strings.Split(words, ",")
	}
	rows, more, err := c.service.Search(c.r.Context(), search)
	out := listed{Domains: append([]domains.Row{}, rows...)}
	if more {
		out.Next = rows[len(rows)-1].Domain.Name
	}
	return answered{value: out}, err
}

// adding are the fields of a new domain. All but name may be left out.
type adding struct {
	Name       string   `json:"name"`
	Selector   string   `json:"selector"`
	Algorithms []string `json:"algorithms"` // rsa, ed25519
	Bits       int      `json:"bits"`

	Activation domains.Activation `json:"activation"`
	Publish    domains.Publish    `json:"publish"`
	Slots      int                `json:"slots"`
	OnMissing  domains.OnMissing  `json:"on_missing"`
	Owner      string             `json:"owner"`
	Contact    string             `json:"contact"`
	SubDomains bool               `json:"subdomains"`
	DualSign   bool               `json:"dual_sign"`

	Disabled        bool `json:"disabled"`
	Withhold        bool `json:"withhold"`
	Published       bool `json:"published"`
	AllowWWW        bool `json:"allow_www"`
	RelaxedSelector bool `json:"relaxed_selector"`
	Request         bool `json:"request"` // only note that it is wanted (TST-10)
	Yes             bool `json:"yes"`     // agrees to what is asked
}

func (c *call) addRequest() (adding, domains.AddRequest, error) {
	var a adding
	r := c.Defaults
	if err := c.body(&a); err != nil {
		return a, r, err
	}
	r.Name, r.Selector, r.Slots, r.OnMissing, r.Contact = a.Name, a.Selector, a.Slots, a.OnMissing, a.Contact
	r.SubDomains, r.DualSign, r.Disabled, r.Withhold, r.Published = a.SubDomains, a.DualSign, a.Disabled, a.Withhold, a.Published
	r.AllowWWW, r.RelaxedSelector, r.Yes, r.Publish = a.AllowWWW, a.RelaxedSelector, a.Yes, a.Publish
	if a.Bits != 0 {
		r.Bits = a.Bits
	}
	if a.Activation != "" {
		r.Activation = a.Activation
	}
	var err error
	if r.Owner, err = c.owner(a.Owner); err == nil && len(a.Algorithms) > 0 {
		r.Algorithms, err = domains.ParseAlgorithms(a.Algorithms...)
	}
	return a, r, err
}

// owner is whom a new row belongs to: for a tenant always itself.
func (c *call) owner(asked string) (string, error) {
	switch {
	case c.who.Operator() && (asked == "" || isName(asked)):
		return asked, nil
	case c.who.Operator():
		return "", refuse("bad-owner", "the owner has characters that no name here has, or is too long", "use letters, digits, hyphens and dots")
	case asked != "" && asked != c.who.Tenant:
		return "", &Problem{http.StatusForbidden, "not-yours", "the owner is another tenant", "leave it out"}
	}
	return c.who.Tenant, nil
}

// madeRow is a row with what has to be published for it.
type madeRow struct {
	Domain  domains.Domain `json:"domain"`
	Keys    []domains.Key  `json:"keys"` // that were made
	Records records.Sheet  `json:"records"`
}

func (c *call) add() (answered, error) {
	a, request, err := c.addRequest()
	if err == nil {
		err = c.room(c.r.Context(), c.who, c.service)
	}
	if err != nil {
		return answered{}, err
	}
	if a.Request {
		d, err := c.service.Request(c.r.Context(), c.actor(), request)
		return answered{status: http.StatusCreated, value: madeRow{Domain: d, Keys: []domains.Key{}}}, err
	}
	return c.making(http.StatusCreated, func() (domains.Added, error) {
		return c.service.Add(c.r.Context(), c.actor(), request)
	})
}

// making runs a verb that makes keys, and shows their records.
func (c *call) making(status int, f func() (domains.Added, error)) (answered, error) {
	var added domains.Added
	err := c.busy(func() (err error) {
		added, err = f()
		return err
	})
	if err != nil {
		return answered{}, err
	}
	sheet, err := c.sheet(added.Domain.Name, added.Domain.SigningDomain())
	return answered{status: status, value: madeRow{added.Domain, added.Keys, sheet}}, err
}

func (c *call) sheet(name, domain string) (records.Sheet, error) {
	d, err := c.service.Show(c.r.Context(), name)
	if err != nil {
		return records.Sheet{}, err
	}
	return records.Make(d, c.zones.of(c.r.Context(), domain), c.service.KeepUntil), nil
}

func (c *call) domainShown() (answered, error) {
	d, err := c.service.Show(c.r.Context(), c.name)
	return answered{value: d}, err
}

// records gives what DNS has to hold, as JSON or in a format of `domain records`.
func (c *call) records() (answered, error) {
	sheet, err := c.sheet(c.name, c.domain)
	format := c.r.URL.Query().Get("format")
	if err != nil || format == "" {
		return answered{value: sheet}, err
	}
	text, err := records.Write(records.Format(format), []records.Sheet{sheet})
	if err != nil {
		return answered{}, refuse("bad-format", err.Error(), "leave it out for JSON")
	}
	return answered{text: text}, nil
}

func (c *call) handOut() (answered, error) {
	if err := c.service.HandOut(c.r.Context(), c.actor(), c.name); err != nil {
		return answered{}, err
	}
	return c.records()
}

// changes are settings of a row; those that are left out stay.
type changes struct {
	Activation       *domains.Activation `json:"activation"`
	OnMissing        *domains.OnMissing  `json:"on_missing"`
	Owner            *string             `json:"owner"`
	Contact          *string             `json:"contact"`
	SubDomains       *bool               `json:"subdomains"`
	DualSign         *bool               `json:"dual_sign"`
	DisabledFallback *bool               `json:"disabled_fallback"`
	RetireAfter      *string             `json:"retire_after"` // "168h"
	RotateEvery      *string             `json:"rotate_every"`
	Publish          *domains.Publish    `json:"publish"` // "txt", "cname" or "cname-shared": the old way signs until DNS has the new one
	Slots            *int                `json:"slots"`
	Driver           *string             `json:"driver"` // of an operator
	Yes              bool                `json:"yes"`
}

func (c *call) configure() (answered, error) {
	var f changes
	if err := c.body(&f); err != nil {
		return answered{}, err
	}
	s := domains.Settings{
		Activation: f.Activation, OnMissing: f.OnMissing, Contact: f.Contact, SubDomains: f.SubDomains, DualSign: f.DualSign,
		DisabledFallback: f.DisabledFallback, Publish: f.Publish, Slots: f.Slots, Yes: f.Yes,
	}
	if f.Owner != nil {
		owner, err := c.owner(*f.Owner)
		if err != nil {
			return answered{}, err
		}
		s.Owner = &owner
	}
	if f.Driver != nil && !c.who.Operator() {
		return answered{}, &Problem{http.StatusForbidden, "operator-only", "what writes DNS is decided by whoever runs this mail server", "leave driver out"}
	}
	s.Driver = f.Driver
	var err error
	if s.RetireAfter, err = duration(f.RetireAfter); err != nil {
		return answered{}, err
	}
	if s.RotateEvery, err = duration(f.RotateEvery); err != nil {
		return answered{}, err
	}
	return c.shown(c.busy(func() error { // another way of publishing may make a pair
		_, err := c.service.Configure(c.r.Context(), c.actor(), c.name, s)
		return err
	}))
}

func duration(text *string) (*time.Duration, error) {
	if text == nil {
		return nil, nil
	}
	d, err := time.ParseDuration(*text)
	if err != nil || d < 0 {
		return nil, &domains.Invalid{Input: *text, Problem: "is no time", Fix: "say how many hours, as 168h"}
	}
	return &d, nil
}

// removal is a record that may go from DNS, and when.
type removal struct {
	Selector string    `json:"selector"`
	Name     string    `json:"name"`
	When     time.Time `json:"when"`             // not after the present: now
	Stays    bool      `json:"stays,omitempty"`  // the CNAME record of a slot: the next key will need it
	Tables   []string  `json:"tables,omitempty"` // hosts whose key tables have the key, too, and sign with it: the record stays
}

func (c *call) delete() (answered, error) {
	q := c.r.URL.Query()
	now, _ := strconv.ParseBool(q.Get("now"))
	if yes, _ := strconv.ParseBool(q.Get("yes")); !yes {
		return answered{}, &domains.Unconfirmed{Rule: "OCR-19", Warning: "Nothing will be signed with it any more; add ?yes=true."}
	}
	gone, err := c.service.Delete(c.r.Context(), c.actor(), c.name, domains.DeleteRequest{Selector: strings.ToLower(c.r.PathValue("selector")), Now: now, Yes: true})
	out := []removal{}
	for _, r := range gone {
		out = append(out, removal{r.Key.Selector, r.Key.Selector + "._domainkey." + r.Key.Domain, r.When, r.Stays, r.Tables})
	}
	return answered{value: map[string]any{"records": out}}, err
}
