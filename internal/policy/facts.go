// Package policy decides what happens to one message: sign it, with which
// keys, or leave it alone, and why. A Snapshot of configuration and tables and
// the Facts of a message go in, a Decision comes out. It does no I/O but for one
// case: where the store judges pairs, a key of the tables that is not in memory
// is read. The daemon, explain, sign and shadow all ask it, so that they cannot
// disagree.
package policy

import (
	"net/netip"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/mailaddr"
	"github.com/postseal/postseal/keytable"
)

// Mode is what a listener is for.
type Mode uint8

// The modes of [[listener]].
const (
	SignAndVerify Mode = iota
	SignOnly
	VerifyOnly
)

// ParseMode reads the configuration's word: both, sign or verify.
func ParseMode(s string) (Mode, bool) {
	m, ok := map[string]Mode{"both": SignAndVerify, "sign": SignOnly, "verify": VerifyOnly}[s]
	return m, ok
}

// Facts is what is known of a message at the end of its header.
type Facts struct {
	Mode   Mode
	Client Client

	AuthType string // {auth_type}; not empty for an authenticated client
	User     string // {auth_authen}: the outgoing user
	Daemon   string // {daemon_name}

	// Macro looks up any other milter macro; nil when there are none.
	Macro func(name string) string

	// LostFrom says that a From field is not among Fields.
	LostFrom bool

	// ExemptRecipient is the first recipient for which Snapshot.DontSignTo
	// said yes, or empty.
	ExemptRecipient string

	Fields *dkim.Fields
}

// Client is the peer of the SMTP session as the MTA reports it.
type Client struct {
	Host string     // verified name, or "[192.0.2.1]" without one
	Addr netip.Addr // invalid: unknown, and then nothing trusts it
}

// MTAMacro is the value of one of the MTA's macros, "" for none.
func (f *Facts) MTAMacro(name string) string {
	if f.Macro == nil {
		return ""
	}
	return f.Macro(name)
}

// Authenticated says whether the client logged in.
func (f *Facts) Authenticated() bool { return f.AuthType != "" }

// Decision is the answer for one message.
type Decision struct {
	Sign   bool
	Verify bool  // it is incoming mail, and the listener verifies
	Keys   []Key // of a message to sign, in the order in which they sign
	Reason Reason

	// Tempfail asks to defer the message instead of letting it leave unsigned
	// (on_key_error).
	Tempfail bool

	Sender  mailaddr.Address // zero where the sender could not be told
	Authors Authors          // of incoming mail
	Detail  string           // what the reason is about: a row, a recipient, a parse error
}

// Key is one signature to make.
type Key struct {
	keytable.KeyRef
	Identity string      // i=, or empty
	Managed  PrivateHalf // of a key of the store; nil: KeyRef is one of the key table
}

// Private returns the key itself. The error says which one and why it is out of
// service.
func (k Key) Private() (*dkim.PrivateKey, error) {
	if k.Managed != nil {
		return k.Managed.Private()
	}
	return k.KeyRef.Private()
}

// Trail collects what was tried, for explain. A nil Trail collects nothing.
type Trail struct{ Lines []string }

func (t *Trail) add(line string) {
	if t != nil {
		t.Lines = append(t.Lines, line)
	}
}
