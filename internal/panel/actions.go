package panel

import (
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

// work is act for what costs computing time or look-ups, when it is its turn.
func (v *visit) work(do func() (note, error)) error {
	return v.act(func() (n note, err error) {
		err = v.busy(func() (err error) {
			n, err = do()
			return err
		})
		return n, err
	})
}

// act does something to the row and leads back to its page; a problem stands there beside
// the forms.
func (v *visit) act(do func() (note, error)) error {
	n, err := do()
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
	return v.work(func() (note, error) {
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

// publish has the driver write the records into DNS now.
func (v *visit) publish() error {
	return v.work(func() (note, error) {
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

// settings changes what a row is signed with and when; another way of publishing may make
// a pair.
func (v *visit) settings() error {
	return v.work(func() (note, error) {
		contact, activation, onMissing := v.form("contact"), domains.Activation(v.form("activation")), domains.OnMissing(v.form("on_missing"))
		subDomains, dualSign := v.ticked("subdomains"), v.ticked("dual_sign")
		s := domains.Settings{Contact: &contact, OnMissing: &onMissing, SubDomains: &subDomains, DualSign: &dualSign, Yes: v.ticked("yes")}
		if activation != "" {
			s.Activation = &activation
		}
		if err := v.publishing(&s); err != nil {
			return note{}, err
		}
		if v.who.Operator() {
			owner := v.form("owner")
			if owner != "" && !isName(owner) {
				return note{}, refuse("bad-owner", "the tenant has characters that no name here has, or is too long", "use letters, digits, hyphens and dots")
			}
			driver := v.form("driver")
			s.Owner, s.Driver = &owner, &driver
		}
		was, err := v.service.Show(v.r.Context(), v.name)
		if err != nil {
			return note{}, err
		}
		is, err := v.service.Configure(v.r.Context(), v.actor(), v.name, s)
		n := note{Text: "The settings are saved."}
		if is.Publish != was.Domain.Publish {
			n.Lines = []string{"The record is published in another way from now on: publish what stands under “To publish”, then press Verify.", unbroken}
		}
		return n, err
	})
}

// unbroken is what follows from another way of publishing (INF-24).
const unbroken = "Until DNS has the new record, mail is signed with the old one: leave that where it is."

// publishing reads the way in which the records are published, and for CNAME their number.
// An empty field leaves what is there.
func (v *visit) publishing(s *domains.Settings) error {
	publish, text := domains.Publish(v.form("publish")), v.form("slots")
	if publish == "" {
		return nil
	}
	if s.Publish = &publish; publish == domains.PublishTXT || text == "" {
		return nil
	}
	slots, err := number(text, 0)
	s.Slots = &slots
	return err
}
