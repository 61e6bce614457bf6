package dkim

// Status is a verdict on a signature, spelled as RFC 8601 section 2.7.1 spells it.
type Status string

// The words for the method dkim.
const (
	None      Status = "none"      // the message has no signature
	Pass      Status = "pass"      // it verifies
	Fail      Status = "fail"      // header or body are not what was signed
	Policy    Status = "policy"    // it would verify, but a local rule does not accept it
	Neutral   Status = "neutral"   // the field has a syntax error
	TempError Status = "temperror" // no verdict now; a later try may give one
	PermError Status = "permerror" // it cannot be verified, now or later
)

// Fault says why a signature or a key record does not count.
type Fault struct {
	Status Status
	Reason Reason
	Detail string // for a log, not for the network: what was found, quoted
}

func (f *Fault) Error() string {
	if f.Detail == "" {
		return string(f.Reason)
	}
	return string(f.Reason) + ": " + f.Detail
}

// Reason is why a signature got its verdict: one word of a fixed vocabulary, safe in a header field and in a log.
type Reason string

// What can be wrong with a DKIM-Signature field or its place in the message.
const (
	ReasonSyntax           Reason = "signature-syntax"       // neutral: against the grammar of RFC 6376 section 3.5
	ReasonMissingTag       Reason = "missing-tag"            // neutral: one of v a b bh d h s
	ReasonVersion          Reason = "version"                // permerror: v= is not 1
	ReasonAlgorithm        Reason = "algorithm"              // permerror: a= that nobody knows
	ReasonSHA1             Reason = "sha1"                   // permerror: rsa-sha1 (RFC 8301 section 3.1)
	ReasonCanonicalization Reason = "canonicalization"       // permerror: c= that nobody knows
	ReasonQueryMethod      Reason = "query-method"           // permerror: q= without dns/txt
	ReasonFromNotSigned    Reason = "from-not-signed"        // permerror: no From in h=
	ReasonIdentity         Reason = "identity"               // permerror: i= is neither d= nor below it
	ReasonExpiryOrder      Reason = "expires-before-signing" // permerror: x= is not greater than t=
	ReasonExpired          Reason = "expired"                // permerror: x= is past
	ReasonNoFrom           Reason = "no-from"                // permerror: the message has no From field
	ReasonFuture           Reason = "signed-in-future"       // policy: t= is later than clocks may differ
	ReasonMultipleFrom     Reason = "multiple-from"          // policy: From fields that h= does not cover
	ReasonDuplicateField   Reason = "duplicate-field"        // policy: a second Subject, To, … that h= does not cover
	ReasonPartialBody      Reason = "partial-body"           // policy: l= leaves a part of the body unsigned
	ReasonDomainRefused    Reason = "domain-refused"         // policy: d= is on the list of refused domains
	ReasonLimit            Reason = "limit"                  // policy: over a bound; not looked at
	ReasonBodyLength       Reason = "body-length"            // permerror: l= is larger than the body
	ReasonBodyHash         Reason = "body-hash"              // fail: bh= is not the hash of the body
	ReasonSignature        Reason = "signature"              // fail: b= is not a signature of the header
)

// What can be wrong with the key of a signature.
const (
	ReasonNoKey       Reason = "no-key"        // permerror: the name does not exist or has no TXT record
	ReasonKeySyntax   Reason = "key-syntax"    // permerror: no key record
	ReasonKeyRevoked  Reason = "key-revoked"   // permerror: p= is empty
	ReasonKeyType     Reason = "key-type"      // permerror: k= does not fit a=
	ReasonKeyHash     Reason = "key-hash"      // permerror: h= does not permit the hash
	ReasonKeyService  Reason = "key-service"   // permerror: s= does not permit mail
	ReasonKeyIdentity Reason = "key-identity"  // permerror: t=s, and i= is below d=
	ReasonKeyTooSmall Reason = "key-too-small" // permerror: fewer bits than are safe (RFC 8301 section 3.2)
	ReasonKeyTooLarge Reason = "key-too-large" // policy: more bits than we compute with
	ReasonDNS         Reason = "dns-error"     // temperror: the look-up failed
	ReasonDNSTimeout  Reason = "dns-timeout"   // temperror: the look-up took too long
)
