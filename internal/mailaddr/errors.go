package mailaddr

import (
	"errors"
	"fmt"
)

// What can be wrong with an address. A *ParseError wraps one of them.
var (
	// ErrSyntax is text that RFC 5322 does not allow here.
	ErrSyntax = errors.New("syntax error")
	// ErrNoMailbox is a list that names nobody: empty, "<>", "friends:;".
	ErrNoMailbox = errors.New("no mailbox")
	// ErrNoDomain is a mailbox without "@domain".
	ErrNoDomain = errors.New("address without a domain")
	// ErrDomain is a domain that cannot be looked up under the name that is
	// written there.
	ErrDomain = errors.New("invalid domain")
	// ErrTooMany is a list with more mailboxes than the caller allows.
	ErrTooMany = errors.New("too many mailboxes")
)

// ParseError says what is wrong and where. It quotes nothing of the text, which
// a stranger wrote, so it may go into a log as it is.
type ParseError struct {
	Err    error  // one of the errors above
	Offset int    // in bytes from the start of the text
	Reason string // of fixed wording, may be empty
}

func (e *ParseError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("%v at byte %d", e.Err, e.Offset)
	}
	return fmt.Sprintf("%v at byte %d: %s", e.Err, e.Offset, e.Reason)
}

// Unwrap lets errors.Is find the kind of error.
func (e *ParseError) Unwrap() error { return e.Err }
