package policy

// Reason says in one word why a message got its decision. The words are the
// log's and explain's vocabulary; docs/reasons.md has a line for each.
type Reason string

// Why a message is signed.
const (
	SigningTable Reason = "signing-table" // a line of the signing table
	ParentDomain Reason = "parent-domain" // a line for a parent of the sender's domain (subdomains = true)
	ManagedKey   Reason = "managed-key"   // a managed domain or address
	UserKey      Reason = "user-key"      // the key of the outgoing user's [[user]] row
	DefaultKey   Reason = "default-key"   // sign.default_key
)

// Why a message is left alone.
const (
	NotTrusted       Reason = "not-trusted"           // neither authenticated nor from a trusted client
	Reauthenticating Reason = "reauthenticating-user" // such users are never signed for
	RecipientExempt  Reason = "recipient-exempt"      // a recipient is in dont_sign_mail_to
	DomainExempt     Reason = "domain-exempt"         // the sender's domain is in exempt_domains
	NoFrom           Reason = "no-from"               // the header has no sender field
	SeveralFrom      Reason = "several-from"          // more than one From field
	FromSyntax       Reason = "from-syntax"           // the sender field has no usable address
	SeveralAuthors   Reason = "several-authors"       // authors of different domains and no Sender
	UserNotAllowed   Reason = "user-not-allowed"      // the [[user]] row does not list the domain
	NoKey            Reason = "no-key"                // no line, user or default key for the sender
	KeyNotActive     Reason = "key-not-active"        // the domain is managed, its key may not sign now, and nothing else may
	DomainDisabled   Reason = "domain-disabled"       // the managed domain is switched off
	UserDisabled     Reason = "user-disabled"         // nothing is signed for this user
	KeyUnavailable   Reason = "key-unavailable"       // a line matched, its key is out of service
)
