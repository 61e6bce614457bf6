package panel

import (
	"slices"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// action is a verb for a row: POST does it, and GET asks first where that is due.
type action struct {
	verb     string
	run      func(*visit) error
	question func(*visit) error
}

var actions = []action{
	{"verify", (*visit).verify, nil},
	{"enable", (*visit).enable, (*visit).askForce},
	{"disable", (*visit).disable, (*visit).askDisable},
	{"rotate", (*visit).rotate, nil},
	{"abort", (*visit).abort, nil},
	{"rollback", (*visit).rollback, nil},
	{"generate", (*visit).generate, nil},
	{"settings", (*visit).settings, nil},
	{"publish", (*visit).publish, nil},
	{"delete", (*visit).delete, (*visit).askDelete},
	{"compromised", (*visit).compromised, (*visit).askCompromised},
}

// act does something to the row and leads back to its page; a problem stands there beside
// the forms.
func (v *visit) act(do func() (note, error)) error {
	var n note
	err := v.busy(func() (err error) {
		n, err = do()
		return err
	})
	if asked, err := v.ask(err, v.path("dkim")); asked {
		return err
	}
	problem, err := beside(err)
	switch {
	case err != nil:
		return err
	case problem != nil:
		return v.domainWith(problem)
	}
	return v.done(v.path(v.back()), n)
}

// back is the page that a form came from: the wizard, or else that of the domain.
func (v *visit) back() string {
	if v.form("from") == "setup" {
		return "setup"
	}
	return "dkim"
}

// verify looks at DNS now, whatever the schedule (INF-15).
func (v *visit) verify() error {
	return v.act(func() (note, error) {
		checked, err := v.service.Verify(v.r.Context(), v.actor(), v.name)
		return verified(checked), err
	})
}

func (v *visit) enable() error {
	return v.act(func() (note, error) {
		_, err := v.service.Enable(v.r.Context(), v.actor(), v.name, domains.EnableRequest{Force: v.ticked("force"), Yes: v.ticked("yes")})
		return note{Text: "Switched on. The next message is signed as soon as DNS confirms a key."}, err
	})
}

func (v *visit) askForce() error {
	return v.confirm(confirmPage{
		Action: v.path("enable"), Heading: "Sign before DNS confirms the key?", Follows: []string{domains.ImmediateWarning + " [OCR-22]"},
		Fields: []field{{"force", "yes"}, {"yes", "yes"}}, Button: "Sign at once", Cancel: v.path("dkim"),
	})
}

func (v *visit) disable() error {
	if !v.ticked("yes") {
		return v.askDisable()
	}
	return v.act(func() (note, error) {
		_, err := v.service.Disable(v.r.Context(), v.actor(), v.name)
		return note{Text: "Switched off: nothing is signed from the next message on. Keys and DNS stay as they are."}, err
	})
}

func (v *visit) askDisable() error {
	return v.confirm(confirmPage{
		Action: v.path("disable"), Heading: "Disable signing for " + records.Both(v.name) + "?", Button: "Disable", Cancel: v.path("dkim"),
		Follows: []string{
			"Mail from this domain leaves unsigned, from the next message on, whatever other keys there are.",
			"Keys, DNS records and checks stay: it can be enabled again at any time, without a new verification.",
			"Where DMARC asks for quarantine or reject, unsigned mail may not arrive.",
		},
		Fields: []field{{"yes", "yes"}},
	})
}

// rotate makes a successor without a gap.
func (v *visit) rotate() error {
	return v.act(func() (note, error) {
		added, err := v.service.Rotate(v.r.Context(), v.actor(), v.name, domains.RotateRequest{Yes: v.ticked("yes")})
		return succeeded(added), err
	})
}

func succeeded(a domains.Added) note {
	n := made(a)
	n.Lines = append(n.Lines, "DNS has to be updated to match. Until it has the new record the old key signs on, where there is one.")
	return n
}

func (v *visit) abort() error {
	return v.act(func() (note, error) {
		gone, err := v.service.Abort(v.r.Context(), v.actor(), v.name)
		n := note{Text: "The rotation was given up."}
		for _, k := range gone {
			n.Lines = append(n.Lines, "the record of "+k.Selector+" is not needed any more")
		}
		return n, err
	})
}

func (v *visit) rollback() error {
	return v.act(func() (note, error) {
		back, err := v.service.Rollback(v.r.Context(), v.actor(), v.name)
		n := note{Text: "Rolled back."}
		for _, k := range back {
			n.Lines = append(n.Lines, k.Selector+" signs again")
		}
		return n, err
	})
}

// generate is "Generate and save new private/public pair" (MA-11): the first key of a row,
// or one that follows another; in place only where that was asked for and confirmed (OCR-17, OCR-18).
func (v *visit) generate() error {
	return v.act(func() (note, error) {
		d, err := v.service.Show(v.r.Context(), v.name)
		if err != nil {
			return note{}, err
		}
		if d.Domain.Requested || !hasKey(d) {
			request, err := v.addRequest(v.name)
			if err != nil {
				return note{}, err
			}
			request.DomainOnly, request.AllowWWW = false, true
			request.Owner, request.Contact, request.SubDomains = d.Domain.Owner, d.Domain.Contact, d.Domain.SubDomains
			request.Activation, request.Publish, request.Slots = d.Domain.Activation, d.Domain.Publish, d.Domain.Slots
			added, err := v.service.Add(v.r.Context(), v.actor(), request)
			return made(added), err
		}
		bits, err := number(v.form("bits"), 0)
		if err != nil {
			return note{}, err
		}
		request := domains.RotateRequest{Selector: v.form("selector"), Bits: bits, InPlace: v.ticked("in_place"), Yes: v.ticked("yes")}
		added, err := v.service.Regenerate(v.r.Context(), v.actor(), v.name, request)
		return succeeded(added), err
	})
}

func hasKey(d domains.Detail) bool {
	for _, k := range d.Keys {
		if current(k) {
			return true
		}
	}
	return false
}

// publish has the driver write the records into DNS now.
func (v *visit) publish() error {
	return v.act(func() (note, error) {
		written, err := v.service.Publish(v.r.Context(), v.actor(), []string{v.name}, false)
		n := note{Text: "The driver was asked to write the records."}
		for _, p := range written {
			line := p.Type + " " + p.Name + ": " + verdicts[p.Verdict]
			if p.Problem != "" {
				line, n.Bad = p.Type+" "+p.Name+": "+p.Problem, true
			}
			n.Lines = append(n.Lines, line)
		}
		return n, err
	})
}

// verdicts in words.
var verdicts = map[domains.DNSVerdict]string{
	domains.DNSSame: "stands as wanted", domains.DNSAdd: "written", domains.DNSReplace: "changed", domains.DNSRemove: "removed",
	domains.DNSForeign: "left alone: it is somebody else's",
}

// settings changes what a row is signed with and when.
func (v *visit) settings() error {
	return v.act(func() (note, error) {
		contact, activation, onMissing := v.form("contact"), domains.Activation(v.form("activation")), domains.OnMissing(v.form("on_missing"))
		subDomains, dualSign := v.ticked("subdomains"), v.ticked("dual_sign")
		s := domains.Settings{Contact: &contact, OnMissing: &onMissing, SubDomains: &subDomains, DualSign: &dualSign, Yes: v.ticked("yes")}
		if activation != "" {
			s.Activation = &activation
		}
		if v.who.Operator() {
			owner := v.form("owner")
			if owner != "" && !isName(owner) {
				return note{}, refuse("bad-owner", "the tenant has characters that no name here has, or is too long", "use letters, digits, hyphens and dots")
			}
			driver := v.form("driver")
			s.Owner, s.Driver = &owner, &driver
		}
		_, err := v.service.Configure(v.r.Context(), v.actor(), v.name, s)
		return note{Text: "The settings are saved."}, err
	})
}

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
		case e.Successor.ID == "":
			n.Lines = []string{"Nothing takes its place: mail leaves unsigned, or signed by the fallback."}
		case e.Successor.State == domains.Active:
			n.Lines = []string{e.Successor.Selector + " takes over and signs from now on."}
		default:
			n.Lines = []string{e.Successor.Selector + " follows once DNS has it: publish its record too."}
		}
		return n, err
	})
}
