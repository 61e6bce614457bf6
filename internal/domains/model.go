package domains

import (
	"time"

	"github.com/postseal/postseal/dkim"
)

// Activation says when a key begins to sign.
type Activation string

// The modes of activation.
const (
	ActivateVerified  Activation = "verified"  // by itself, once DNS confirms the key
	ActivateManual    Activation = "manual"    // by `enable`, after DNS confirmed the key
	ActivateImmediate Activation = "immediate" // at once, confirmed or not
)

// Publish says what the owner of the domain puts into DNS.
type Publish string

// The modes of publishing.
const (
	PublishTXT         Publish = "txt"          // one TXT record for each key
	PublishCNAME       Publish = "cname"        // a CNAME for each slot, keys change behind it
	PublishCNAMEShared Publish = "cname-shared" // as cname, one target for all domains
)

// Domain is what one domain, or one address of it, is to be signed with.
type Domain struct {
	// Name is "example.com", or "sales@example.com" for that address alone, in
	// lower-case A-labels. It identifies the row.
	Name string `json:"name"`

	Enabled    bool       `json:"enabled"`   // false: nothing is signed, whatever the keys do
	Requested  bool       `json:"requested"` // asked for, nobody has confirmed it yet (TST-10)
	Activation Activation `json:"activation"`
	Publish    Publish    `json:"publish"`
	Slots      int        `json:"slots"` // CNAME modes: names for each algorithm, 1 to 12
	OnMissing  OnMissing  `json:"on_missing"`

	Owner   string `json:"owner,omitempty"`   // tenant; empty: the operator's own
	Contact string `json:"contact,omitempty"` // whose turn it is in DNS (TST-7)
	Driver  string `json:"driver,omitempty"`  // what writes DNS; empty: a person

	SubDomains       bool          `json:"subdomains,omitempty"`        // signs for what is below it too
	DualSign         bool          `json:"dual_sign,omitempty"`         // while rotating: old and ready key
	DisabledFallback bool          `json:"disabled_fallback,omitempty"` // disabled: user or default key may sign
	RetireAfter      time.Duration `json:"retire_after,omitempty"`      // 0: Policy.RetireAfter
	RotateEvery      time.Duration `json:"rotate_every,omitempty"`      // 0: Policy.RotateEvery

	NameServers []string `json:"name_servers,omitempty"` // of the zone, when it was added or DNS was last right (D111)
	Aliases     []Alias  `json:"aliases,omitempty"`      // CNAME modes: where the row's CNAME records pointed when they were last seen

	CreatedAt          time.Time `json:"created_at"`
	OwnedSince         time.Time `json:"owned_since,omitzero"`          // by Owner, if it was another's before
	PublishedClaimedAt time.Time `json:"published_claimed_at,omitzero"` // "I have published these records" (KAR-21)
	DeletedAt          time.Time `json:"deleted_at,omitzero"`           // gone from every list; its keys live on until they are destroyed
}

// Alias is a CNAME record of a row, as far as it points to a name of ours: one that
// was handed out for it, now or before the key zone moved.
type Alias struct {
	Selector string    `json:"selector"`
	Target   string    `json:"target"`           // without final dot
	TTL      int64     `json:"ttl,omitempty"`    // seconds; 0: not known
	GoneAt   time.Time `json:"gone_at,omitzero"` // it points elsewhere since then; caches may have it for TTL more
}

// State is where a key stands.
type State string

// The states of a key.
const (
	Generated State = "generated" // the pair is stored, nobody was asked to publish it
	Pending   State = "pending"   // records handed out, DNS is polled
	Ready     State = "ready"     // DNS confirmed it; standing by
	Active    State = "active"    // the signing key of its algorithm
	Failed    State = "failed"    // DNS never confirmed it within the window
	Suspended State = "suspended" // was active; DNS lost it for longer than the grace
	Retiring  State = "retiring"  // replaced; its signatures are still under way
	Retired   State = "retired"   // no message can need it; see DNSGoneAt and DestroyedAt
)

// Key is one selector with one pair. It never holds the private half: see
// Tx.Private.
type Key struct {
	ID        string         `json:"id"`       // random, unique for ever
	Owner     string         `json:"owner"`    // Domain.Name
	Domain    string         `json:"domain"`   // d=, the domain of Owner
	Selector  string         `json:"selector"` // s=, lower case
	Algorithm dkim.Algorithm `json:"algorithm"`
	Bits      int            `json:"bits"`
	Record    string         `json:"record"`      // text of the TXT record, "v=DKIM1; k=rsa; p=…"
	Public    []byte         `json:"public"`      // SubjectPublicKeyInfo, DER
	Print     string         `json:"fingerprint"` // "SHA256:" and the hash of Public in hex

	Slot     int    `json:"slot,omitempty"`     // CNAME modes: from 1; 0 in TXT mode
	Target   string `json:"target,omitempty"`   // CNAME modes: where Selector's name has to point
	Pair     string `json:"pair,omitempty"`     // ID of the key of the shared set that has the private half; empty: this one
	Imported bool   `json:"imported,omitempty"` // the pair came from outside
	Replaces string `json:"replaces,omitempty"` // ID of the key that this one follows in a rotation, or took the place of

	State       State  `json:"state"`
	Compromised bool   `json:"compromised,omitempty"` // in any state: never signs again
	Health      Health `json:"health"`

	CreatedAt     time.Time `json:"created_at"`
	PendingSince  time.Time `json:"pending_since,omitzero"`  // begin of the present window
	Deadline      time.Time `json:"deadline,omitzero"`       // end of the present window
	VerifiedAt    time.Time `json:"verified_at,omitzero"`    // first confirmation; zero: DNS never confirmed it
	HoldUntil     time.Time `json:"hold_until,omitzero"`     // ready: not active before this
	ActivatedAt   time.Time `json:"activated_at,omitzero"`   // last activation
	SuspendedAt   time.Time `json:"suspended_at,omitzero"`   // last suspension
	RetiringSince time.Time `json:"retiring_since,omitzero"` // stopped signing
	LastSignedAt  time.Time `json:"last_signed_at,omitzero"` // latest report of any host, see Tx.MarkSigned
	RetiredAt     time.Time `json:"retired_at,omitzero"`
	DNSGoneAt     time.Time `json:"dns_gone_at,omitzero"`  // every authoritative server: absent or p= empty
	DestroyedAt   time.Time `json:"destroyed_at,omitzero"` // the private half is deleted
	CompromisedAt time.Time `json:"compromised_at,omitzero"`

	// RetiringVersion is the snapshot version that stopped the key: every host
	// must run this one or a later one before the key may be retired.
	RetiringVersion int64 `json:"retiring_version,omitempty"`

	Good        Streak    `json:"good"`                   // consecutive checks that passed
	Bad         Streak    `json:"bad"`                    // consecutive checks that found a permanent fault
	NextCheckAt time.Time `json:"next_check_at,omitzero"` // zero: not polled
	LastCheckAt time.Time `json:"last_check_at,omitzero"` // last verdict
	FullCheckAt time.Time `json:"full_check_at,omitzero"` // last verdict from authoritative servers
	TTL         int64     `json:"ttl,omitempty"`          // seconds, of the record as it was last seen
	WarnedAt    time.Time `json:"warned_at,omitzero"`     // "taking long" or "unknown" was said
	RemindedAt  time.Time `json:"reminded_at,omitzero"`   // "still suspended" was said
	AdvisedAt   time.Time `json:"advised_at,omitzero"`    // "grows old" was said
	BlockedAt   time.Time `json:"blocked_at,omitzero"`    // "cannot retire" was said
	TTLSeenOld  int64     `json:"ttl_seen_old,omitempty"` // seconds: what caches may hold of an earlier record here
	SeenBefore  bool      `json:"seen_before,omitempty"`  // DNS had something at this name before: hold
	Revision    int64     `json:"revision"`               // counts the changes of this row
}

// Health is what DNS said about a key.
type Health struct {
	Status  HealthStatus `json:"status"`
	Reason  Reason       `json:"reason,omitempty"`
	Code    string       `json:"code,omitempty"`    // finding, "D101"
	Text    string       `json:"text,omitempty"`    // what is wrong
	Fix     string       `json:"fix,omitempty"`     // what to change
	Since   time.Time    `json:"since,omitzero"`    // of Status and Reason
	RetryAt time.Time    `json:"retry_at,omitzero"` // earliest useful next try (INF-27)
}

// HealthStatus is one word for Health.
type HealthStatus string

// The words for health.
const (
	OK         HealthStatus = "ok"
	Degraded   HealthStatus = "degraded"   // verifies, or does for some
	Broken     HealthStatus = "broken"     // signatures fail
	Unknown    HealthStatus = "unknown"    // DNS gives no answer
	Unverified HealthStatus = "unverified" // no check has decided yet
)

// Streak counts checks in a row with the same outcome.
type Streak struct {
	Count int       `json:"count"`
	First time.Time `json:"first,omitzero"` // time of the first of them
}

// User is the row of an outgoing user.
type User struct {
	Match      string    `json:"match"`                // sasl:LOGIN, sasl-domain:DOMAIN, ip:NETWORK or daemon:NAME; identifies the row
	Position   int       `json:"position"`             // rows are tried by Position, then Match
	Key        string    `json:"key,omitempty"`        // DOMAIN or DOMAIN/SELECTOR (ruling 12); empty: no fallback
	Domains    []string  `json:"domains,omitempty"`    // for which it may be signed; empty: any
	Owner      string    `json:"owner,omitempty"`      // tenant
	Reauth     bool      `json:"reauth,omitempty"`     // never signed (MA-1)
	Disabled   bool      `json:"disabled,omitempty"`   // sign = false
	FromAsD    bool      `json:"from_as_d,omitempty"`  // fallback_d = "from" instead of "key": d= is the sender's domain once its DNS has this key
	OwnedSince time.Time `json:"owned_since,omitzero"` // by Owner
}

// Entry is a line of the journal.
type Entry struct {
	ID       int64     `json:"id"` // given by the store, ascending
	At       time.Time `json:"at"`
	Actor    string    `json:"actor"` // "root", "panel:alice", "keeper@mx1"
	Verb     string    `json:"verb"`
	Domain   string    `json:"domain,omitempty"` // Domain.Name, or User.Match
	Selector string    `json:"selector,omitempty"`
	From     string    `json:"from,omitempty"`
	To       string    `json:"to,omitempty"`
	Reason   string    `json:"reason,omitempty"`
}

// Tombstone keeps a selector from coming back with another key.
type Tombstone struct {
	Domain      string    `json:"domain"`
	Selector    string    `json:"selector"`
	Print       string    `json:"fingerprint"`
	CreatedAt   time.Time `json:"created_at"`
	DestroyedAt time.Time `json:"destroyed_at"`
}

// CheckRun is the outcome of one check of one key.
type CheckRun struct {
	KeyID    string    `json:"key_id"`
	At       time.Time `json:"at"`
	Verdict  string    `json:"verdict"`
	Passed   bool      `json:"passed"`
	Source   string    `json:"source"` // authoritative or resolver
	Records  []string  `json:"records,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
}

// Notice is a notification in the outbox.
type Notice struct {
	ID       int64     `json:"id"` // given by the store; the same at every attempt
	At       time.Time `json:"at"`
	Event    Event     `json:"event"`
	Domain   string    `json:"domain,omitempty"`
	Selector string    `json:"selector,omitempty"`
	Contact  string    `json:"contact,omitempty"`
	Text     string    `json:"text"`
	Code     string    `json:"code,omitempty"`    // finding
	Channel  string    `json:"channel,omitempty"` // by which it goes; empty: not told apart yet, see notify.Courier
	Attempts int       `json:"attempts"`
	NextAt   time.Time `json:"next_at"`
	Error    string    `json:"error,omitempty"` // of the last attempt
}

// Candidate is a domain that mail is sent from and that has no row.
type Candidate struct {
	Domain    string    `json:"domain"`
	Source    string    `json:"source"` // "mail" for what was seen in From
	Count     int64     `json:"count"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	Told      bool      `json:"-"` // in a notice; other sources than mail are never told
}

// Declaration says that the hand-edited tables of a host have a key.
type Declaration struct {
	Domain   string // d=
	Selector string
	Print    string // fingerprint of the pair
	Host     string // Host.Name
	Gated    bool   // the host lets it sign only when DNS has confirmed it
}

// Host is a process that signs from the store.
type Host struct {
	Name    string    `json:"name"`    // of the machine
	Process string    `json:"process"` // tells two under one name apart
	SeenAt  time.Time `json:"seen_at"`
	Version int64     `json:"version"` // of the snapshot that it runs
}

// Lease says who runs the keeper. Number grows with every change of holder, so
// that what a former holder still wants to write can be refused.
type Lease struct {
	Holder string    `json:"holder"`
	Number int64     `json:"number"`
	Until  time.Time `json:"until"`
}
