package panel

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// addRow is the blank last row, and the rows of candidates: a domain, perhaps a selector,
// Generate (OCR-12, OCR-20).
func (v *visit) addRow() error {
	name := v.form("domain")
	return v.add(name, func(p *Problem) error {
		return v.listWith(addForm{Domain: name, Selector: v.form("selector"), Problem: p})
	})
}

// choosePage is step 1 of the wizard: a known domain from a list, of which nothing is
// chosen beforehand, or another one (INF-10, INF-12).
type choosePage struct {
	Candidates []domains.Candidate
	Form       addFields
}

// addFields is what was filled in, for a form that is shown again.
type addFields struct {
	Domain, Other, Selector, Algorithm, Bits, Publish, Slots, Activation, Contact, Owner string
	Address, SubDomains, AllowWWW                                                        bool
	KeyZone                                                                              bool // CNAME can be chosen
	DefaultBits                                                                          int
	DefaultActivation                                                                    string
}

func (v *visit) choosePage() error { return v.chooseWith(nil) }

func (v *visit) chooseWith(problem *Problem) error {
	candidates, err := v.candidates()
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "choose", "Add Domain Setting", choosePage{candidates, v.fields()}, problem)
}

func (v *visit) choose() error {
	chosen, other := v.form("domain"), v.form("other")
	switch {
	case chosen == "" && other == "":
		return v.chooseWith(refuse("INF-12", "no domain was selected", "select a domain from the list, or type another one"))
	case chosen != "" && other != "":
		return v.chooseWith(refuse("one-domain", "a domain was selected and another one typed", "leave one of the two empty"))
	}
	return v.add(chosen+other, v.chooseWith)
}

// newPage is "New DKIM Record Configuration": a domain is typed (KAR-10, KAR-11).
func (v *visit) newPage() error { return v.newWith(nil) }

func (v *visit) newWith(problem *Problem) error {
	fields := v.fields()
	if fields.Domain == "" && v.r.Method == http.MethodGet {
		fields.Domain = trimmed(v.r.URL.Query().Get("domain"))
	}
	return v.render(http.StatusOK, "new", "New DKIM Record Configuration", choosePage{Form: fields}, problem)
}

func (v *visit) newRecords() error { return v.add(v.form("domain"), v.newWith) }

// fields are those of the form at hand.
func (v *visit) fields() addFields {
	return addFields{
		Domain: v.form("domain"), Other: v.form("other"), Selector: v.form("selector"), Algorithm: v.form("algorithm"), Bits: v.form("bits"),
		Publish: v.form("publish"), Slots: v.form("slots"), Activation: v.form("activation"), Contact: v.form("contact"), Owner: v.form("owner"),
		Address: v.ticked("address"), SubDomains: v.ticked("subdomains"), AllowWWW: v.ticked("allow_www"),
		KeyZone: v.KeyZone, DefaultBits: v.Defaults.Bits, DefaultActivation: string(v.Defaults.Activation),
	}
}

// add makes the pair and leads on to what has to be published; again shows the form with
// a problem beside it.
func (v *visit) add(name string, again func(*Problem) error) error {
	request, err := v.addRequest(name)
	if err == nil {
		err = v.room(v.r.Context(), v.who, v.service)
	}
	var added domains.Added
	if err == nil {
		err = v.busy(func() (err error) {
			added, err = v.service.Add(v.r.Context(), v.actor(), request)
			return err
		})
	}
	if asked, err := v.ask(err, "/domains/new"); asked {
		return err
	}
	problem, err := beside(err)
	switch {
	case err != nil:
		return err
	case problem != nil:
		return again(problem)
	}
	return v.done(rowPath(added.Domain.Name, "setup"), made(added))
}

// addRequest reads the form.
func (v *visit) addRequest(name string) (domains.AddRequest, error) {
	r := v.Defaults
	r.Name, r.DomainOnly = name, !v.ticked("address")
	r.Selector, r.Contact, r.Owner = v.form("selector"), v.form("contact"), v.who.Tenant
	r.SubDomains, r.AllowWWW, r.Yes = v.ticked("subdomains"), v.ticked("allow_www"), v.ticked("yes")
	if v.who.Operator() {
		r.Owner = v.form("owner")
	}
	if r.Owner != "" && !isName(r.Owner) {
		return r, refuse("bad-owner", "the tenant has characters that no name here has, or is too long", "use letters, digits, hyphens and dots")
	}
	if text := v.form("activation"); text != "" {
		r.Activation = domains.Activation(text)
	}
	if text := v.form("publish"); text != "" {
		r.Publish = domains.Publish(text)
	}
	var err error
	if r.Slots, err = number(v.form("slots"), r.Slots); err != nil {
		return r, err
	}
	if r.Bits, err = number(v.form("bits"), r.Bits); err != nil {
		return r, err
	}
	if text := v.form("algorithm"); text != "" {
		r.Algorithms, err = domains.ParseAlgorithms(strings.Split(text, ",")...)
	}
	return r, err
}

// number reads a number, or gives what stands for an empty field.
func number(text string, otherwise int) (int, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, &domains.Invalid{Input: text, Problem: "is no number", Fix: "use digits only"}
	}
	return n, nil
}

// made tells of new keys, and of those that are weak (MA-10).
func made(a domains.Added) note {
	n := note{Text: "Saved for " + records.Both(a.Domain.Name) + ":"}
	for _, k := range a.Keys {
		n.Lines = append(n.Lines, "selector "+k.Selector+", "+keyKind(k)+". The private key is stored sealed; publish the record below.")
		if k.Algorithm == dkim.RSASHA256 && k.Bits < dkim.RecommendedBits {
			n.Lines = append(n.Lines, "RSA keys under 2048 bit are weak: use one only where DNS cannot hold more.")
		}
	}
	return n
}
