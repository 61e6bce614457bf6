// Package seal keeps private keys unreadable at rest: it encrypts them with age (https://age-encryption.org/v1, X25519) to one or several
// recipients, and opens them with this host's identity. A copied database, a backup or a database administrator then holds no key.
//
// The identity is one line, AGE-SECRET-KEY-1…, from a file, a systemd credential or a command (Source). A file may hold
// several: the first seals and opens, the others, which were used before, only open, until everything is sealed anew (Box.Rekey).
//
// No error of this package shows an identity or what was sealed.
package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
)

// maxPlain is far above the 3.3 KB of a 4096-bit key in PEM; with age's header for maxRecipients it bounds what Open reads.
const (
	maxPlain      = 64 << 10
	maxSealed     = maxPlain + 64<<10
	maxRecipients = 64
)

// ErrCannotOpen is wrapped by the error for what was sealed for others, or was damaged.
var ErrCannotOpen = errors.New("no identity of this host opens it")

// Box seals and opens. It is immutable and safe for concurrent use.
type Box struct {
	identities []age.Identity
	recipients []age.Recipient
	names      []string // of recipients, age1…, sorted
}

// newBox takes the text of an identity file and further recipients, age1… .
func newBox(identities []byte, others []string) (*Box, error) {
	found, err := age.ParseIdentities(bytes.NewReader(identities))
	if err != nil { // age's words may quote a character of the secret
		return nil, errors.New("not an age identity file (a line AGE-SECRET-KEY-1…, written by age-keygen or by postseal): bring it back from its backup")
	}
	own, ok := found[0].(*age.X25519Identity)
	if !ok {
		return nil, errors.New("the first identity is not an X25519 one (AGE-SECRET-KEY-1…): make one with age-keygen, and put it first")
	}
	b := &Box{identities: found}
	names := append([]string{own.Recipient().String()}, others...)
	slices.Sort(names)
	b.names = slices.Compact(names)
	if len(b.names) > maxRecipients {
		return nil, fmt.Errorf("%d recipients, more than %d", len(b.names), maxRecipients)
	}
	for _, name := range b.names {
		if strings.Contains(strings.ToUpper(name), "SECRET") {
			return nil, errors.New("a recipient is a secret key: give the public one, age1… (age-keygen -y prints it)")
		}
		r, err := age.ParseX25519Recipient(name)
		if err != nil {
			return nil, err // it names the recipient
		}
		b.recipients = append(b.recipients, r)
	}
	return b, nil
}

// Recipients are the public keys, age1…, that Seal seals to, sorted: this host's and the fleet's.
func (b *Box) Recipients() []string { return slices.Clone(b.names) }

// Seal encrypts plain, such as a private key in PEM, to all recipients.
func (b *Box) Seal(plain []byte) ([]byte, error) {
	if len(plain) > maxPlain {
		return nil, fmt.Errorf("seal: %d octets, more than %d", len(plain), maxPlain)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, b.recipients...)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return out.Bytes(), nil
}

// Open decrypts what Seal made here or on a host that has this one among its recipients; else the error is an ErrCannotOpen.
func (b *Box) Open(sealed []byte) ([]byte, error) {
	if len(sealed) > maxSealed {
		return nil, fmt.Errorf("%w: %d octets, more than %d", ErrCannotOpen, len(sealed), maxSealed)
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), b.identities...)
	if noMatch := (*age.NoIdentityMatchError)(nil); errors.As(err, &noMatch) {
		return nil, fmt.Errorf("%w: it was sealed for others than %s", ErrCannotOpen, strings.Join(b.own(), ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("%w: damaged: %w", ErrCannotOpen, err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxPlain+1))
	switch {
	case err != nil:
		clear(plain)
		return nil, fmt.Errorf("%w: damaged: %w", ErrCannotOpen, err)
	case len(plain) > maxPlain:
		clear(plain)
		return nil, fmt.Errorf("%w: holds more than %d octets", ErrCannotOpen, maxPlain)
	}
	return plain, nil
}

// Rekey seals for the recipients of today what was sealed for those of another day.
func (b *Box) Rekey(sealed []byte) ([]byte, error) {
	plain, err := b.Open(sealed)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return b.Seal(plain)
}

// own are the public halves of the identities.
func (b *Box) own() []string {
	var names []string
	for _, id := range b.identities {
		if id, ok := id.(*age.X25519Identity); ok {
			names = append(names, id.Recipient().String())
		}
	}
	return names
}

// String never shows an identity, whatever verb prints a Box.
func (b *Box) String() string { return "seal.Box for " + strings.Join(b.names, ", ") }

// GoString is String for %#v.
func (b *Box) GoString() string { return b.String() }

// Format is String for every other verb.
func (b *Box) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, b.String()) }
