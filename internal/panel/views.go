package panel

import (
	"fmt"
	"net/url"
	"strconv"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// recordView is a record with all that a page shows of it.
type recordView struct {
	records.Record
	N, Of      int
	ID         string // for the elements of the page
	Heading    string
	HostLabel  string // "Host (sometimes called Name)"
	ValueLabel string
	Forms      []hostForm
	Best       string // what the host field of this provider wants
	Example    []labelled
	Provider   *records.Provider
	ZoneName   string
	SubZone    bool // the domain is no zone of its own
}

// hostForm is a spelling of the host, with whom it is for (KAR-17).
type hostForm struct {
	ID, Label, Value string
	Wanted           bool // by the provider
}

type labelled struct{ Label, Value string }

var headings = map[records.Action]string{
	records.Revoke:  "Change this record at once: the key is compromised",
	records.Publish: "To publish",
	records.Stay:    "In DNS, has to stay as it is",
	records.Keep:    "Keep for now: mail under way needs it",
	records.Remove:  "Safe to remove now",
}

func views(s *records.Sheet, list []records.Record) []recordView {
	var out []recordView
	for i, r := range list {
		view := recordView{
			Record: r, N: i + 1, Of: len(list), ID: strconv.Itoa(i + 1), Heading: headings[r.Action], HostLabel: "Host (sometimes called Name)", ValueLabel: "Value",
			Provider: s.Provider, ZoneName: s.Zone.Name, SubZone: s.Domain != s.Zone.Name, Best: r.Host.InZone,
		}
		if r.Was != "" {
			view.Heading = "To change"
		}
		if r.Type == "CNAME" {
			view.HostLabel, view.ValueLabel = "Host", "Points to"
		}
		form := records.Form("")
		if s.Provider != nil {
			form, view.Best = s.Provider.Form, r.Host.In(s.Provider.Form)
			view.Example = example(s.Provider, &r)
		}
		view.Forms = []hostForm{
			{"host-zone-" + view.ID, "without the zone", r.Host.InZone, form == records.InZone},
			{"host-full-" + view.ID, "in full", r.Host.Full, form == records.Full},
			{"host-dot-" + view.ID, "in full, with final dot", r.Host.Dot, form == records.Dot},
			{"host-domain-" + view.ID, "without the domain", r.Host.InDomain, false},
		}
		out = append(out, view)
	}
	return out
}

// Quoted are the strings of the value for a zone file.
func (v recordView) Quoted() string {
	if len(v.Strings) < 2 {
		return ""
	}
	return v.Record.Quoted()
}

// example is the form of a provider, filled in (KAR-19).
func example(p *records.Provider, r *records.Record) []labelled {
	value := p.Value
	if r.Type == "CNAME" {
		value = p.Target
	}
	return []labelled{{"Type", r.Type}, {p.Host, r.Host.In(p.Form)}, {value, r.Value}, {"TTL", strconv.Itoa(r.TTL)}}
}

// keyCheck is what DNS said about a key when it was last asked.
type keyCheck struct {
	Key   domains.Key
	Run   domains.CheckRun
	Asked bool
	Said  string // in words
	Good  bool
	Next  string // what comes next
}

func checks(d domains.Detail) []keyCheck {
	var out []keyCheck
	for _, k := range d.Keys {
		if !current(k) {
			continue
		}
		c := keyCheck{Key: k, Next: d.Next[k.ID]}
		if runs := d.Runs[k.ID]; len(runs) > 0 {
			c.Run, c.Asked = runs[0], true
			c.Said, c.Good = said(&k, &c.Run), c.Run.Passed
		}
		out = append(out, c)
	}
	return out
}

// said tells live from correct (INF-16).
func said(k *domains.Key, run *domains.CheckRun) string {
	switch {
	case run.Passed && k.State == domains.Active:
		return "live and correct; mail is signed with it"
	case run.Passed && k.VerifiedAt.IsZero():
		return "live and correct; a second look half a minute later confirms it"
	case run.Passed:
		return "live and correct"
	case run.Verdict == string(domains.ReasonAbsent):
		return "not live"
	case run.Verdict == string(domains.ReasonTemporary):
		return "not to be seen: DNS gives no answer"
	}
	return "not correct"
}

func itoa(n int) string { return strconv.Itoa(n) }

func queryEscape(s string) string { return url.QueryEscape(s) }

// verified is a message about a check that somebody asked for.
func verified(checked []domains.Checked) note {
	n := note{Text: "DNS was asked just now."}
	for i := range checked {
		k, r := &checked[i].Key, &checked[i].Result
		run := domains.CheckRun{Verdict: string(r.Verdict), Passed: r.Passed}
		line := fmt.Sprintf("The record of %s is %s.", k.Selector, said(k, &run))
		if !r.Passed {
			n.Bad = true
			if !r.RetryAfter.IsZero() {
				line += " Try again after " + records.Stamp(r.RetryAfter) + "."
			}
			line += " It can take hours, depending on the DNS provider; postseal keeps trying by itself."
		}
		n.Lines = append(n.Lines, line)
	}
	return n
}
