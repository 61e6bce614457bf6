// Package config reads postseal.toml: one file, every option with a default
// that is right for a stock Debian Postfix, every mistake reported at once.
//
//	[[listener]]
//	address = "inet:8891@127.0.0.1"
//	mode = "both"
//
//	[sign]
//	keytable = "/etc/postseal/keytable"
//	signingtable = "refile:/etc/postseal/signingtable"
//
// The package knows the file and nothing of what its values are for: a Config
// holds plain values that are right in form. What they name (tables, networks,
// header fields) is judged by internal/daemon, which reports through the same
// Problem type, so that both kinds of mistakes come out in one list.
package config

import "time"

// Config is the whole file with the defaults filled in. A slice that the file
// does not mention is its default; an empty one in the file stays empty.
type Config struct {
	AuthservID string     `toml:"authserv_id"`
	Strict     bool       `toml:"strict"`
	Listeners  []Listener `toml:"listener"`
	Sign       Sign       `toml:"sign"`
	Users      []User     `toml:"user"`
	Verify     Verify     `toml:"verify"`
	DNS        DNS        `toml:"dns"`
	Check      Check      `toml:"check"`
	Store      Store      `toml:"store"`
	Domains    Domains    `toml:"domains"`
	KeyZone    KeyZone    `toml:"key_zone"`
	Drivers    []Driver   `toml:"driver"`
	Notify     Notify     `toml:"notify"`
	Limits     Limits     `toml:"limits"`
	Metrics    Metrics    `toml:"metrics"`
	Panel      Panel      `toml:"panel"`
	Log        Log        `toml:"log"`

	// Path is the file's name as given, for messages.
	Path string `toml:"-"`

	lines lines
}

// Listener is one [[listener]] row.
type Listener struct {
	Address     string `toml:"address"`      // the MTA's own spelling, see ParseAddress
	Mode        string `toml:"mode"`         // sign | verify | both
	SocketOwner string `toml:"socket_owner"` // of a unix socket; "" leaves it
	SocketGroup string `toml:"socket_group"`
	SocketMode  string `toml:"socket_mode"` // octal
}

// Sign is the [sign] table: who is signed, with what, and how.
type Sign struct {
	KeyTable     string `toml:"keytable"`
	SigningTable string `toml:"signingtable"`

	MultipleSignatures bool   `toml:"multiple_signatures"`
	SubDomains         bool   `toml:"subdomains"`
	DefaultKey         string `toml:"default_key"` // DOMAIN/SELECTOR

	TrustedNetworks []string `toml:"trusted_networks"`
	TrustedDaemons  []string `toml:"trusted_daemons"`
	TrustedMacros   []string `toml:"trusted_macros"`
	Peers           []string `toml:"peers"`

	ExemptDomains  []string `toml:"exempt_domains"`
	DontSignMailTo []string `toml:"dont_sign_mail_to"`

	SenderHeaders []string `toml:"sender_headers"`
	MultipleFrom  string   `toml:"multiple_from"` // refuse | first

	RequireUserMatch      bool     `toml:"require_user_match"`
	ReauthenticatingUsers []string `toml:"reauthenticating_users"`

	OnKeyError      string `toml:"on_key_error"`      // accept | tempfail
	OnInternalError string `toml:"on_internal_error"` // accept | tempfail

	Canonicalization string   `toml:"canonicalization"`
	Headers          Headers  `toml:"headers"`
	OmitHeaders      []string `toml:"omit_headers"`
	Oversign         []string `toml:"oversign"`
	OversignAbsent   []string `toml:"oversign_absent"`
	Expire           Duration `toml:"expire"`
	Identity         string   `toml:"identity"` // none | domain | sender
}

// User is one [[user]] row: what an outgoing user may sign with.
type User struct {
	Match    string   `toml:"match"` // sasl:LOGIN | sasl-domain:DOMAIN | ip:NETWORK | daemon:NAME
	Domain   string   `toml:"domain"`
	Selector string   `toml:"selector"`
	Domains  []string `toml:"domains"`
	Reauth   bool     `toml:"reauth"`
	Sign     bool     `toml:"sign"` // false: never
}

// Verify is the [verify] table: what a verdict on incoming mail leads to, and
// what is accepted as one.
type Verify struct {
	Actions
	Domains []VerifyDomain `toml:"domain"`

	ReportUnsigned bool     `toml:"report_unsigned"` // write dkim=none
	PartialBody    string   `toml:"partial_body"`    // policy | pass
	MinKeyBits     int64    `toml:"min_key_bits"`
	MaxKeyBits     int64    `toml:"max_key_bits"`
	ClockSkew      Duration `toml:"clock_skew"`
	RefusedDomains []string `toml:"refused_domains"`

	RemoveAuthservIDs []string `toml:"remove_authserv_ids"`
	SpareMethods      []string `toml:"spare_methods"`
}

// Actions has one action for each kind of verdict: accept, reject, tempfail,
// discard or quarantine.
type Actions struct {
	BadSignature  string `toml:"bad_signature"`
	KeyNotFound   string `toml:"key_not_found"`
	NoSignature   string `toml:"no_signature"`
	DNSError      string `toml:"dns_error"`
	Malformed     string `toml:"malformed"`
	KeyTooSmall   string `toml:"key_too_small"`
	Security      string `toml:"security"`
	InternalError string `toml:"internal_error"`
}

// VerifyDomain is one [[verify.domain]] row: other actions for mail whose author
// is of that domain. An empty action is that of [verify].
type VerifyDomain struct {
	Actions
	Domain        string `toml:"domain"`          // example.com, or .example.com for all below it
	NoAlignedPass string `toml:"no_aligned_pass"` // no signature of the author's own domain passes
}

// DNS is the [dns] table.
type DNS struct {
	Nameservers []string `toml:"nameservers"` // host or host:port; none: resolv.conf
	Timeout     Duration `toml:"timeout"`     // for all key look-ups of a message together
	TrustAD     []string `toml:"trust_ad"`    // nameservers beyond this host whose AD bit is believed
	RecordsFile string   `toml:"records_file"`
}

// Check is the [check] table: how the keys of our own domains are looked up.
type Check struct {
	Via string `toml:"via"` // auto | authoritative | resolver
}

// Store is the [store] table: where managed domains are kept, and what seals
// their private keys.
type Store struct {
	URL             string   `toml:"url"`              // sqlite:/path or postgres://…; "": files only
	Identity        string   `toml:"identity"`         // age identity file, made at the first start
	Credential      string   `toml:"credential"`       // systemd credential with the identity, instead of the file
	IdentityCommand []string `toml:"identity_command"` // prints the identity, instead of the file
	Recipients      []string `toml:"recipients"`       // further public keys, age1…, that keys are sealed to
}

// Domains is the [domains] table: what a new managed domain starts with, and the
// timing of all.
type Domains struct {
	Activation  string   `toml:"activation"`   // verified | manual | immediate
	Algorithms  []string `toml:"algorithms"`   // rsa, ed25519
	Bits        int64    `toml:"bits"`         // of RSA keys
	Selector    string   `toml:"selector"`     // template
	OnMissing   string   `toml:"on_missing"`   // keep | suspend | suspend:24h; "": by what is missing
	RetireAfter Duration `toml:"retire_after"` // how long a replaced key stays in DNS, at least
	RotateEvery Duration `toml:"rotate_every"` // 0: by hand only
	RevokeStyle string   `toml:"revoke_style"` // what a driver does with the record of a retired key: empty-p | delete
	Tables      string   `toml:"tables"`       // keys of the hand-edited tables: watch | gate | ignore
	Candidates  []string `toml:"candidates"`   // where domains stand that mail is sent for, see ParseCandidates
}

// Notify is the [notify] table: who is told when a key's state changes.
type Notify struct {
	MailTo     []string `toml:"mail_to"` // addresses; none: no mail
	MailFrom   string   `toml:"mail_from"`
	MailServer string   `toml:"mail_server"` // host:port, without TLS and password
	Webhook    string   `toml:"webhook"`     // URL that takes JSON
	Command    []string `toml:"command"`     // takes JSON on standard input
}

// Limits bounds what comes from outside. Every default stands with its reason
// in docs/limits.md.
type Limits struct {
	FrameBytes    int64    `toml:"frame_bytes"`
	DrainBytes    int64    `toml:"drain_bytes"`
	HeaderBytes   int64    `toml:"header_bytes"`
	HeaderFields  int64    `toml:"header_fields"`
	Connections   int64    `toml:"connections"`
	IdleTimeout   Duration `toml:"idle_timeout"`
	FrameTimeout  Duration `toml:"frame_timeout"`
	WriteTimeout  Duration `toml:"write_timeout"`
	StopTimeout   Duration `toml:"stop_timeout"`
	KeyOperations int64    `toml:"key_operations"` // 0: the number of cores
	KeysCached    int64    `toml:"keys_cached"`
	Signatures    int64    `toml:"signatures"`     // verified in a message
	SignedNames   int64    `toml:"signed_names"`   // in the h= of a signature
	RecordBytes   int64    `toml:"record_bytes"`   // of a key record in DNS
	RecordsCached int64    `toml:"records_cached"` // DNS answers
}

// Metrics is the [metrics] table.
type Metrics struct {
	Listen     string `toml:"listen"`      // see ParseHTTPAddress; "" is off
	LabelPairs int64  `toml:"label_pairs"` // domain and selector with a series of their own
}

// Log is the [log] table.
type Log struct {
	Format       string `toml:"format"`        // text | json | journal
	Level        string `toml:"level"`         // debug | info | warn | error
	SyslogPrefix string `toml:"syslog_prefix"` // auto | always | never
}

// DefaultPath is where the packages install the file.
const DefaultPath = "/etc/postseal/postseal.toml"

// Default is the configuration of an empty file.
func Default() *Config {
	return &Config{
		Listeners: []Listener{DefaultListener()},
		Sign: Sign{
			KeyTable:         "/etc/postseal/keytable",
			SigningTable:     "refile:/etc/postseal/signingtable",
			TrustedNetworks:  []string{"127.0.0.0/8", "::1"},
			TrustedDaemons:   []string{"ORIGINATING"},
			SenderHeaders:    []string{"From"},
			MultipleFrom:     "refuse",
			OnKeyError:       "accept",
			OnInternalError:  "accept",
			Canonicalization: "relaxed/relaxed",
			Headers:          Headers{Preset: "default"},
			Oversign:         []string{"From", "Subject", "To", "Cc", "Reply-To", "Date", "Message-ID"},
			OversignAbsent:   []string{"From", "Subject", "Reply-To", "Cc"},
			Identity:         "none",
		},
		Verify: Verify{
			Actions: Actions{
				BadSignature: "accept", KeyNotFound: "accept", NoSignature: "accept", DNSError: "accept",
				Malformed: "accept", KeyTooSmall: "accept", Security: "accept", InternalError: "accept",
			},
			ReportUnsigned: true,
			PartialBody:    "policy",
			MinKeyBits:     1024,
			MaxKeyBits:     4096,
			ClockSkew:      Duration(5 * time.Minute),
		},
		DNS:   DNS{Timeout: Duration(10 * time.Second)},
		Check: Check{Via: "auto"},
		Store: Store{Identity: "/var/lib/postseal-identity/identity"},
		Domains: Domains{
			Activation:  "verified",
			Algorithms:  []string{"rsa"},
			Bits:        2048,
			Selector:    "ps{yyyy}{mm}{random}",
			RetireAfter: Duration(7 * 24 * time.Hour),
			RevokeStyle: "empty-p",
			Tables:      "watch",
			Candidates:  []string{"postfix", "sendmail"},
		},
		Notify: Notify{MailServer: "127.0.0.1:25"},
		Limits: Limits{
			FrameBytes:   1 << 20,
			DrainBytes:   16 << 20,
			HeaderBytes:  1 << 20,
			HeaderFields: 1000,
			Connections:  2000,
			IdleTimeout:  Duration(7210 * time.Second),
			FrameTimeout: Duration(30 * time.Second),
			WriteTimeout: Duration(30 * time.Second),
			StopTimeout:  Duration(20 * time.Second),
			KeysCached:   4096,

			Signatures:    10,
			SignedNames:   1000,
			RecordBytes:   4096,
			RecordsCached: 10_000,
		},
		Metrics: Metrics{LabelPairs: 1000},
		Panel:   Panel{SocketMode: "0660"},
		Log:     Log{Format: "text", Level: "info", SyslogPrefix: "auto"},
	}
}

// DefaultListener is what a [[listener]] row starts from: reachable for a
// Postfix in its chroot or not, and for Sendmail, without any group membership.
func DefaultListener() Listener {
	return Listener{Address: "inet:8891@127.0.0.1", Mode: "both", SocketMode: "0660"}
}

// DefaultUser is what a [[user]] row starts from.
func DefaultUser() User { return User{Sign: true} }
