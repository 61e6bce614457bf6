// Package verifier evaluates the DKIM signatures of one message (RFC 6376 section 6, RFC 8301, RFC 8463), with the words of RFC 8601.
//
//	v := verifier.New(lookup, verifier.Options{})
//	m := v.Begin(ctx, fields) // at the end of the header; the key look-ups start here, all together
//	m.Write(chunk)            // for each chunk of the body, which is hashed and not kept, until m.Done()
//	for _, r := range m.Finish() { // waits for the look-ups
//		// r.Status, r.Domain, r.Reason
//	}
//	m.Release()
package verifier

import (
	"context"
	"strings"
	"time"

	"github.com/postseal/postseal/dkim"
)

// Options are the same for all messages. The zero value of each stands for its default.
type Options struct {
	MaxSignatures       int           // verified in a message, from the top; 10. Those without a chance do not count
	MaxHeaderListLength int           // names in h=; 1000
	MaxRecordBytes      int           // of a key record; 4096, of which a key of 8192 bits takes a third
	MinKeyBits          int           // of RSA; 1024, and never below it (RFC 8301 section 3.2)
	MaxKeyBits          int           // of RSA; 4096, and never above 8192
	ClockSkew           time.Duration // how far clocks may differ for t= and x=; 5 minutes, negative for none
	Timeout             time.Duration // for all key look-ups of a message together; 10 seconds
	AllowPartialBody    bool          // pass a signature whose l= leaves a part of the body unsigned; else it is policy
	RefusedDomains      []string      // d= that are policy whatever they sign, such as co.uk; A-labels, in any case
	Now                 func() time.Time
}

// maxSeen bounds the signatures that are looked at and reported at all. Others are as good as not there.
const maxSeen = 50

const (
	defaultMaxSignatures = 10   // ruling 4; mailing lists of lists have three or four
	defaultMaxNames      = 1000 // of h=; real ones have under 50
	defaultRecord        = 4096
	defaultSkew          = 5 * time.Minute
	defaultTimeout       = 10 * time.Second
)

// Verifier verifies messages, any number at a time.
type Verifier struct {
	lookup  Lookup
	options Options
	refused map[string]bool // lower-case domains
	records recordCache
}

// New returns a Verifier that gets its keys from lookup.
func New(lookup Lookup, o Options) *Verifier {
	setDefault(&o.MaxSignatures, defaultMaxSignatures)
	setDefault(&o.MaxHeaderListLength, defaultMaxNames)
	setDefault(&o.MaxRecordBytes, defaultRecord)
	setDefault(&o.MaxKeyBits, dkim.MaxBits)
	setDefault(&o.ClockSkew, defaultSkew)
	setDefault(&o.Timeout, defaultTimeout)
	o.MaxSignatures = min(o.MaxSignatures, maxSeen)
	o.MinKeyBits = max(o.MinKeyBits, dkim.MinBits)
	o.MaxKeyBits = min(o.MaxKeyBits, dkim.MaxVerifyBits)
	o.ClockSkew = max(o.ClockSkew, 0)
	if o.Now == nil {
		o.Now = time.Now
	}
	v := &Verifier{lookup: lookup, options: o, refused: make(map[string]bool)}
	for _, domain := range o.RefusedDomains {
		v.refused[strings.ToLower(domain)] = true
	}
	return v
}

func setDefault[T int | time.Duration](option *T, value T) {
	if *option == 0 {
		*option = value
	}
}

// Begin starts on a message whose header is complete, and with it the look-ups of all keys, which end with ctx or after
// Options.Timeout. It keeps fields until Release, and takes its memory from a pool: Release gives it back.
func (v *Verifier) Begin(ctx context.Context, fields *dkim.Fields) *Message {
	m := pool.Get().(*Message)
	m.begin(ctx, v, fields)
	return m
}
