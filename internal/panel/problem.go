package panel

import (
	"errors"
	"net/http"
	"strings"

	"github.com/postseal/postseal/internal/domains"
)

// Problem is an error as people and programs get it.
type Problem struct {
	Status int    `json:"-"`    // of HTTP
	Rule   string `json:"rule"` // a requirement or a word; stable
	What   string `json:"what"` // what is in the way
	Way    string `json:"way"`  // what can be done
}

func (p *Problem) Error() string { return p.What + ": " + p.Way + " [" + p.Rule + "]" }

// describe says what somebody can do about an error, or nil where it is nobody's mistake.
func describe(err error) *Problem {
	var (
		own         *Problem
		refused     *domains.Refused
		invalid     *domains.Invalid
		unconfirmed *domains.Unconfirmed
		tooLong     *http.MaxBytesError
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &refused) && errors.Is(err, domains.ErrNotFound):
		return &Problem{http.StatusNotFound, refused.Rule, refused.What, refused.Way}
	case errors.As(err, &refused):
		return &Problem{http.StatusConflict, refused.Rule, refused.What, refused.Way}
	case errors.As(err, &invalid):
		return &Problem{http.StatusUnprocessableEntity, "invalid", quoted(invalid.Input) + " " + invalid.Problem, invalid.Fix}
	case errors.As(err, &unconfirmed):
		return &Problem{http.StatusConflict, unconfirmed.Rule, unconfirmed.Warning, "say yes to do it all the same"}
	case errors.As(err, &tooLong):
		return &Problem{http.StatusRequestEntityTooLarge, "too-long", "more was sent than any form here has", "leave something out"}
	case errors.Is(err, domains.ErrTooMany):
		return &Problem{http.StatusTooManyRequests, "too-many", "too much was asked for at a time", "wait for the answers to what was asked before"}
	case errors.Is(err, domains.ErrUnavailable):
		return &Problem{http.StatusServiceUnavailable, "unavailable", "the store does not answer at the moment; mail is signed all the same", "try again in a minute"}
	case errors.Is(err, domains.ErrSealed):
		return &Problem{http.StatusServiceUnavailable, "sealed", "the private keys cannot be opened at the moment", "whoever runs this mail server finds the reason in the log"}
	}
	return nil
}

// quoted bounds what comes back to whoever typed it.
func quoted(input string) string {
	if len(input) > 100 {
		input = strings.ToValidUTF8(input[:100], "") + "…"
	}
	return "“" + input + "”"
}

// refuse makes the problem of a form that was not filled in as it has to be.
func refuse(rule, what, way string) *Problem {
	return &Problem{http.StatusUnprocessableEntity, rule, what, way}
}
