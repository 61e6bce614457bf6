// Package check asks DNS for a DKIM key and explains what it finds: whether
// receivers can verify with it, and if not, what is wrong where and what to
// change.
//
//	engine := &check.Engine{Authority: authority, Resolver: resolver}
//	result := engine.Check(ctx, check.Subject{Domain: "example.com", Selector: "s1", Public: key.Public(), Signer: key})
//	if !result.Passed {
//		fmt.Println(result.Findings[0].Change)
//	}
//
// It changes nothing and keeps nothing. The texts of the findings are data, in
// findings.toml; docs/findings.md is made from it.
package check

import (
	"crypto"
	"time"

	"github.com/postseal/postseal/dkim"
)

// Subject is a key record to check. Only Domain and Selector are needed: a
// subject without Public is somebody else's key, which is judged by itself.
type Subject struct {
	Domain   string           // d=, A-labels
	Selector string           // s=
	Public   crypto.PublicKey // *rsa.PublicKey or ed25519.PublicKey; nil: any key will do
	Signer   *dkim.PrivateKey // makes the probe signature; nil: no probe
	Target   string           // where the CNAME has to point, without final dot; empty: a TXT record is expected

	Via        Via      // whom to ask; empty: authoritative servers
	Gone       bool     // the domain was deleted here: nothing should point to Target any more (D512)
	Active     bool     // the key signs already (D504 is a warning then)
	SubDomains bool     // signs for what is below Domain too (D410)
	Testing    bool     // t=y is wanted (no D401)
	Slots      []Slot   // the other CNAME names of the domain (D504)
	SharedWith []string // other domains that have the same key, though each should have its own (D413)
	Former     []string // targets, or zones of them, that we moved away from (D509)
	Providers  []string // names of the name servers when the domain was added; empty: not known (D111)

	// Known tells what we know of another key by its fingerprint: "your key s1,
	// retired 2026-05-01". Empty: nothing. Nil: nobody to ask.
	Known func(fingerprint string) string
}

// Slot is a CNAME record that has to stand.
type Slot struct {
	Selector, Target string
}

// Alias is where the CNAME record of a slot points; Target is empty where there is none.
type Alias struct {
	Selector string        `json:"selector"`
	Target   string        `json:"target"`
	TTL      time.Duration `json:"-"`
}

// Via is whom a check asks.
type Via string

// The ways to ask.
const (
	Authoritative Via = "authoritative" // every authoritative server, then the resolver
	Resolver      Via = "resolver"      // the configured resolver alone; when a Subject asks for it, about the record and nothing around it
	Pasted        Via = "text"          // nobody: the text is at hand
)

// Verdict is the class of a result, as the rules for records that go away
// need it.
type Verdict string

// The verdicts.
const (
	OK            Verdict = "ok"
	Absent        Verdict = "absent"         // NXDOMAIN or NODATA from all servers
	Mismatch      Verdict = "mismatch"       // another key
	Revoked       Verdict = "revoked"        // p= is empty
	Malformed     Verdict = "malformed"      // no verifier can use it for mail
	Duplicate     Verdict = "duplicate"      // several TXT records
	Inconsistent  Verdict = "inconsistent"   // servers disagree
	Testing       Verdict = "testing"        // verifies, with t=y
	TargetChanged Verdict = "target-changed" // the CNAME is missing or points elsewhere
	Temporary     Verdict = "temporary"      // no answer now
)

// Result is the outcome of one check.
type Result struct {
	At      time.Time `json:"at"`
	Name    string    `json:"name"` // that was asked for: SELECTOR._domainkey.DOMAIN
	Verdict Verdict   `json:"verdict"`
	// Passed: all that the gate of the key life wants of one check. Warnings do
	// not keep a check from passing.
	Passed   bool      `json:"passed"`
	Findings []Finding `json:"findings"` // the worst first

	TTL         time.Duration `json:"-"`                    // of the record; 0: there is none
	NegativeTTL time.Duration `json:"-"`                    // of "there is none"; 0: not known
	Records     []string      `json:"records"`              // text of each TXT record, its strings joined
	RetryAfter  time.Time     `json:"retry_after,omitzero"` // earliest time at which asking again makes sense
	Source      Via           `json:"source"`

	// Detour: receivers get the key, though not in the way that is wanted.
	Detour  bool    `json:"detour,omitempty"`
	Aliases []Alias `json:"aliases,omitempty"` // CNAME modes: where the name, and the other slots that were looked at, point

	Zone        string   `json:"zone,omitempty"`         // that holds the name
	NameServers []string `json:"name_servers,omitempty"` // of Zone, sorted
	Fingerprint string   `json:"fingerprint,omitempty"`  // of the key found, "SHA256:…"
	Bits        int      `json:"bits,omitempty"`         // of the key found
	Wanted      string   `json:"wanted,omitempty"`       // what belongs into the zone, as lines of a zone file; empty for somebody else's key
	Secure      bool     `json:"dnssec"`                 // a validating resolver vouches for the answer
}

// Retry writes RetryAfter for people, with the day if it is not that of the check; "" if there is nothing to wait for.
func (r *Result) Retry() string {
	if r.RetryAfter.IsZero() {
		return ""
	}
	const day = "2006-01-02 "
	clock, at, after := "15:04:05 MST", r.At.Local(), r.RetryAfter.Local()
	if after.Format(day) != at.Format(day) {
		clock = day + clock
	}
	return after.Format(clock)
}

// Finding is one thing that is wrong, or worth knowing.
type Finding struct {
	Code       string    `json:"code"` // "D101"; stable
	Severity   Severity  `json:"severity"`
	Title      string    `json:"title"`    // a few words
	Asked      string    `json:"asked"`    // what we asked, and whom
	Got        string    `json:"got"`      // what came back
	Expected   string    `json:"expected"` // what should have come
	Change     string    `json:"change"`   // what to change
	RetryAfter time.Time `json:"retry_after,omitzero"`
}

// Severity is how bad a finding is.
type Severity string

// The severities, the worst first.
const (
	Error     Severity = "error"     // cannot be verified
	Unsettled Severity = "temporary" // no telling now
	Warning   Severity = "warning"   // verifies today
	Note      Severity = "note"
)
