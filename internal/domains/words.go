package domains

// Reason is why a key's health is what it is.
type Reason string

// The reasons. All but the first three are permanent faults.
const (
	ReasonNone         Reason = ""
	ReasonTemporary    Reason = "temporary"    // SERVFAIL, REFUSED, time-out, lame
	ReasonInconsistent Reason = "inconsistent" // authoritative servers disagree
	ReasonTesting      Reason = "testing"      // t=y

	ReasonAbsent        Reason = "absent"         // NXDOMAIN or NODATA
	ReasonMismatch      Reason = "mismatch"       // another key
	ReasonMalformed     Reason = "malformed"      // cannot be used by a verifier
	ReasonDuplicate     Reason = "duplicate"      // several TXT records
	ReasonOwnerRevoked  Reason = "owner-revoked"  // p= empty
	ReasonTargetChanged Reason = "target-changed" // the CNAME points elsewhere: "Needs re-validation"
)

// OnMissing is what happens when DNS loses the record of an active key:
// "suspend:24h" after a grace, "suspend" at once when it is confirmed, "keep"
// signing whatever DNS says.
type OnMissing string

// Event names a notification.
type Event string

// The events.
const (
	KeyVerified        Event = "key.verified"
	KeyVerifySlow      Event = "key.verify-slow" // 48 h and not verified yet (KAR-24)
	KeyVerifyTimeout   Event = "key.verify-timeout"
	KeyActivated       Event = "key.activated"
	KeySuspended       Event = "key.suspended"
	KeySafeToRemove    Event = "key.safe-to-remove"
	KeyExpiring        Event = "key.expiring"
	KeyCompromised     Event = "key.compromised"
	KeyRecords         Event = "key.records" // records for somebody to publish (TST-15)
	HealthBroken       Event = "health.broken"
	HealthRecovered    Event = "health.recovered"
	HealthUnknown      Event = "health.unknown"
	DomainUnsignedSeen Event = "domain.unsigned-seen"
	DomainRevalidate   Event = "domain.revalidate"
	DomainVerifyResult Event = "domain.verify-result" // of a check that somebody asked for (INF-16)
	RotationBlocked    Event = "rotation.blocked"
	DNSFailing         Event = "dns.failing" // a driver cannot write a record
	DNSWritten         Event = "dns.written" // … and could, later
)
