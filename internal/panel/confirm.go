package panel

import (
	"errors"
	"net/http"

	"github.com/postseal/postseal/internal/domains"
)

// confirmPage asks before something that cannot be taken back, or that hurts mail: it says
// what follows, and nothing is done until somebody agrees.
type confirmPage struct {
	Action  string // where the answer goes
	Heading string
	Follows []string // the consequences
	Fields  []field  // sent along
	Choice  *choice  // something to decide on the way; nil: nothing
	Button  string
	Cancel  string
}

type field struct{ Name, Value string }

type choice struct{ Name, Label string }

func (v *visit) confirm(p confirmPage) error {
	return v.render(http.StatusOK, "confirm", p.Heading, p, nil)
}

// ask turns a verb that wants to be confirmed into the question, with all that the form
// had. It tells whether it did.
func (v *visit) ask(err error, cancel string) (asked bool, _ error) {
	var unconfirmed *domains.Unconfirmed
	if !errors.As(err, &unconfirmed) {
		return false, nil
	}
	p := confirmPage{
		Action: v.r.URL.EscapedPath(), Heading: "Are you sure?", Follows: []string{unconfirmed.Warning + " [" + unconfirmed.Rule + "]"},
		Fields: []field{{"yes", "yes"}}, Button: "Yes, do it", Cancel: cancel,
	}
	for name, values := range v.r.PostForm {
		if name != "csrf" && name != "yes" && len(values) > 0 {
			p.Fields = append(p.Fields, field{name, values[0]})
		}
	}
	return true, v.confirm(p)
}
