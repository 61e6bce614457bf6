package dns

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrNotFound is a permanent result: there is no such record.
var ErrNotFound = errors.New("no such record")

// NotFoundError says that a name does not exist or has no TXT record.
type NotFoundError struct {
	Name   string // that was looked up
	Target string // where a CNAME chain led, else the same
	Exists bool   // it has other records (NODATA); else NXDOMAIN
	Secure bool   // DNSSEC vouches for it, as for an Answer
}

func (e *NotFoundError) Error() string {
	what := "does not exist"
	if e.Exists {
		what = "has no TXT record"
	}
	if e.Target != e.Name {
		return fmt.Sprintf("%s is an alias of %s, which %s", e.Name, e.Target, what)
	}
	return e.Name + " " + what
}

// Is makes it an ErrNotFound.
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

// NameError says that a name is none that could be asked for. It quotes nothing of it.
type NameError struct {
	Reason string
}

func (e *NameError) Error() string { return "not a domain name: " + e.Reason }

// Is makes it an ErrNotFound: a name that cannot exist has no records.
func (e *NameError) Is(target error) bool { return target == ErrNotFound }

// TemporaryError says that there is no answer now.
type TemporaryError struct {
	Name  string // that was looked up
	Err   error  // what ended the look-up
	Tries []Try  // what was asked before, in this order
}

// Try is a question that came to nothing.
type Try struct {
	Server  string // HOST:PORT
	Network string // "udp", "tcp"
	Name    string // that was asked for
	Err     error
}

func (t Try) String() string { return fmt.Sprintf("%s over %s: %v", t.Server, t.Network, t.Err) }

// maxShown is how many tries an error tells of.
const maxShown = 8

func (e *TemporaryError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cannot look up %s: %v", e.Name, e.Err)
	for i, t := range e.Tries {
		if i == maxShown {
			fmt.Fprintf(&b, "; and %d more", len(e.Tries)-i)
			break
		}
		fmt.Fprintf(&b, "; %v", t)
	}
	return b.String()
}

// Unwrap gives what ended the look-up: context.Canceled, context.DeadlineExceeded, ErrLoop, or an error of the last server.
func (e *TemporaryError) Unwrap() error { return e.Err }

// Timeout tells whether time ran out, for the last question or for the look-up.
func (e *TemporaryError) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.Is(e.Err, context.DeadlineExceeded) || errors.As(e.Err, &t) && t.Timeout()
}

// ErrLoop is a chain of CNAME records that comes back to where it was, or that is too long to tell.
var ErrLoop = fmt.Errorf("CNAME loop, or a chain of more than %d", maxHops)

// RcodeError is a server's word that it failed: SERVFAIL, REFUSED, FORMERR, …
type RcodeError string

func (e RcodeError) Error() string { return string(e) }

// answerError is an answer that says nothing.
type answerError string

func (e answerError) Error() string { return string(e) }
