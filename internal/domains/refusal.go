package domains

import (
	"errors"
	"fmt"
)

// Refused is a command that the state of its object does not allow. It names
// the rule and the way on.
type Refused struct {
	Rule string // a requirement or a word: "TST-8", "no-such-domain"
	What string // what is in the way
	Way  string // what can be done
	Err  error  // ErrNotFound, or nil
}

func (r *Refused) Error() string { return fmt.Sprintf("refused: %s. %s [%s]", r.What, r.Way, r.Rule) }

// Unwrap gives Err.
func (r *Refused) Unwrap() error { return r.Err }

// ExitCode is that of `refused by state`.
func (r *Refused) ExitCode() int { return 3 }

// Invalid is input that cannot be what it is given for.
type Invalid struct {
	Input   string
	Problem string
	Fix     string
}

func (i *Invalid) Error() string { return fmt.Sprintf("%q %s: %s", i.Input, i.Problem, i.Fix) }

// ExitCode is that of wrong usage.
func (i *Invalid) ExitCode() int { return 4 }

func invalid(input, problem, fix string) error { return &Invalid{input, problem, fix} }

// Unconfirmed is a command with a consequence that somebody has to agree to
// first; Yes in its request does.
type Unconfirmed struct {
	Rule    string
	Warning string
}

func (u *Unconfirmed) Error() string {
	return fmt.Sprintf("%s Say --yes to do it all the same. [%s]", u.Warning, u.Rule)
}

// ExitCode is that of `refused by state`.
func (u *Unconfirmed) ExitCode() int { return 3 }

// ImmediateWarning is said before everything that signs without a confirmation
// by DNS (OCR-22).
const ImmediateWarning = "Mail will be signed before DNS confirms the key. Until the record is published each signature fails, " +
	"and receivers may treat such mail worse than unsigned mail; what they do is their own configuration."

func unknownDomain(name string) error {
	switch {
	case name == SharedSet:
		return noSharedKey()
	case isTable(name):
		return &Refused{Rule: "no-such-domain", What: "no host has told of a key for " + domainOf(name) + " in its key table", Way: "`postseal domain list` shows what is watched", Err: ErrNotFound}
	case isLent(name):
		return &Refused{Rule: "no-such-domain", What: "no outgoing user is lent a key for " + domainOf(name), Way: "`postseal user set` with --fallback-d from does that", Err: ErrNotFound}
	}
	return &Refused{Rule: "no-such-domain", What: name + " is not managed here", Way: "`postseal domain add " + name + "` adds it", Err: ErrNotFound}
}

func inTheTables(name string) error {
	return &Refused{
		Rule: "in-the-tables", What: "the keys of " + domainOf(name) + " are those of the key table, which only people change",
		Way: "`domain import` brings them into the store",
	}
}

func isRefused(err error) bool {
	var r *Refused
	return errors.As(err, &r)
}
