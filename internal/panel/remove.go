package panel

import (
	"slices"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// askDelete says what deleting means, with the records that may go and when (OCR-19).
func (v *visit) askDelete() error {
	d, err := v.service.Show(v.r.Context(), v.name)
	if err != nil {
		return err
	}
	selector := trimmed(v.r.URL.Query().Get("selector"))
	what := records.Both(v.name)
	if selector != "" {
		what = "the key " + selector + " of " + what
	}
	p := confirmPage{
		Action: v.path("delete"), Heading: "Delete " + what + "?", Button: "Delete", Cancel: v.path("dkim"),
		Follows: []string{"Nothing will be signed with it any more, from the next message on."},
		Fields:  []field{{"yes", "yes"}, {"selector", selector}},
	}
	for _, k := range d.Keys {
		if k.State == domains.Retired || selector != "" && k.Selector != selector {
			continue
		}
		host := k.Selector + "._domainkey." + k.Domain
		line := "The record " + host + " has to stay in DNS until mail under way has arrived; the date is told then."
		if k.ActivatedAt.IsZero() {
			line = "The record " + host + " may be removed from DNS at once: the key never signed."
		} else {
			p.Choice = &choice{"now", "Do not wait for mail under way: messages that carry a signature of a key will not verify once its record is removed"}
		}
		if !slices.Contains(p.Follows, line) { // keys that followed each other in place have one record
			p.Follows = append(p.Follows, line)
		}
	}
	return v.confirm(p)
}

func (v *visit) delete() error {
	if !v.ticked("yes") {
		return v.askDelete()
	}
	gone, err := v.service.Delete(v.r.Context(), v.actor(), v.name, domains.DeleteRequest{Selector: v.form("selector"), Now: v.ticked("now"), Yes: true})
	problem, err := beside(err)
	switch {
	case err != nil:
		return err
	case problem != nil:
		return v.domainWith(problem)
	}
	n := note{Text: "Deleted " + records.Both(v.name) + ". Nothing is signed with it any more."}
	if v.form("selector") != "" {
		n.Text = "Deleted the key " + v.form("selector") + ". Nothing is signed with it any more."
	}
	for _, r := range gone {
		host := r.Key.Selector + "._domainkey." + r.Key.Domain
		switch {
		case len(r.Tables) > 0:
			n.Lines = append(n.Lines, "keep the record "+host+": the mail server's key table has the key, too, and signs with it")
		case r.Stays:
			n.Lines = append(n.Lines, "keep the CNAME record "+host+": the next key will need it")
		case r.When.After(v.Now()):
			n.Lines = append(n.Lines, "keep the record "+host+" until "+records.Stamp(r.When))
		default:
			n.Lines = append(n.Lines, "the record "+host+" may be removed now")
		}
	}
	if v.form("selector") != "" {
		return v.done(v.path("dkim"), n)
	}
	return v.done("/domains", n)
}

func (v *visit) askCompromised() error {
	selector := trimmed(v.r.URL.Query().Get("selector"))
	if _, err := v.service.Show(v.r.Context(), v.name); err != nil {
		return err
	}
	return v.confirm(confirmPage{
		Action: v.path("compromised"), Heading: "Is the key " + selector + " in other hands?", Button: "Stop this key for good", Cancel: v.path("dkim"),
		Follows: []string{
			"The key stops in the same second, and for good. That cannot be taken back.",
			"Its record must become “" + domains.RevokedRecord + "” at once.",
			"Messages under way that carry its signature will not verify any more: that is intended.",
			"A key that is ready takes over; otherwise a new one is made, and mail leaves unsigned, or signed by the fallback, until DNS has it.",
		},
		Fields: []field{{"yes", "yes"}, {"selector", selector}},
	})
}

func (v *visit) compromised() error {
	return v.act(func() (note, error) {
		e, err := v.service.Compromised(v.r.Context(), v.actor(), v.name, domains.CompromiseRequest{Selector: v.form("selector"), Yes: v.ticked("yes")})
		n := note{Text: e.Key.Selector + " signs nothing any more. Its record must become “" + e.Record + "” at once.", Bad: true}
		switch {
		case e.InService.ID != "":
			n.Lines = []string{"Mail is signed with " + e.InService.Selector + " as before."}
		case e.Successor.ID == "":
			n.Lines = []string{"Nothing takes its place: mail leaves unsigned, or signed by the fallback."}
		case e.Successor.State == domains.Active:
			n.Lines = []string{e.Successor.Selector + " takes over and signs from now on."}
		default:
			n.Lines = []string{e.Successor.Selector + " follows once DNS has it: publish its record too."}
		}
		if e.Domains > 0 {
			n.Lines = append(n.Lines, "The key was shared: "+itoa(e.Domains)+" domains have stopped signing with it.")
		}
		for _, also := range e.Also {
			n.Lines = append(n.Lines, "The same pair stands at "+also+", whose record must become the same at once.")
		}
		return n, err
	})
}
