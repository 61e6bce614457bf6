package verifier

import (
	"time"

	"github.com/postseal/postseal/dkim"
)

// Result is the verdict on one signature. A message without signatures has one Result with Status None and nothing else.
//
// What is known of a signature is there whatever the Status, unless the field was too broken to tell. Only Domain, Selector,
// Algorithm, BPrefix and Reason are safe to print: Identity is what the sender encoded, line ends included, and HeaderNames and
// Err quote the message and DNS.
type Result struct {
	Status      dkim.Status
	Reason      dkim.Reason // why it is not pass; empty for pass and none
	Domain      string      // d=, in A-labels and lower case
	Selector    string      // s=, the same
	Identity    string      // i=, decoded; "@" and d= if the tag is missing
	Algorithm   string      // a=, as written
	Bits        int         // size of the key, 0 if it was not found
	HeaderNames []string    // h=, as written
	Time        time.Time   // t=, or the zero Time
	Expiry      time.Time   // x=, or the zero Time
	BPrefix     string      // for header.b: eight octets of b=, or as many as tell it from the others of the message (RFC 6008 section 4)
	Testing     bool        // the key has t=y: if this is no pass, treat the message as unsigned (RFC 6376 section 3.6.1)
	Secure      bool        // DNSSEC vouches for the key
	Err         error       // a *dkim.Fault with details for a log; nil for pass and none
}

// describe fills in what the field says.
func (r *Result) describe(s *dkim.Signature) {
	r.Domain, r.Selector, r.Identity, r.Algorithm = s.Domain, s.Selector, s.Identity, s.AlgorithmName
	r.HeaderNames, r.Time, r.Expiry = s.HeaderNames, s.Time, s.Expiry
}

// decide sets the verdict; nil passes.
func (r *Result) decide(f *dkim.Fault) {
	if f == nil {
		r.Status = dkim.Pass
		return
	}
	r.Status, r.Reason, r.Err = f.Status, f.Reason, f
}

// Bounds of BPrefix. The lower one is RFC 6008's; the upper one keeps the report short if somebody copies a signature and changes
// its last octet.
const (
	minPrefix = 8
	maxPrefix = 64
)

// bPrefix returns the shortest beginning of all[i], of at least eight octets, that no other has, as far as they differ.
func bPrefix(all []string, i int) string {
	n := minPrefix
	for j, other := range all {
		if j != i && other != all[i] {
			n = max(n, common(all[i], other)+1)
		}
	}
	return all[i][:min(n, maxPrefix, len(all[i]))]
}

// common is the length of what a and b begin with both, as far as it matters.
func common(a, b string) int {
	n := 0
	for n < min(len(a), len(b), maxPrefix) && a[n] == b[n] {
		n++
	}
	return n
}
