package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// validate judges the values that stand by themselves.
func (c *Config) validate() Problems {
	v := validator{cfg: c}
	for i, l := range c.Listeners {
		key := fmt.Sprintf("listener[%d]", i)
		v.listener(key, l)
		same := func(other Listener) bool { return other.Address == l.Address && l.Address != "inet:0@127.0.0.1" }
		if slices.ContainsFunc(c.Listeners[:i], same) {
			v.report(key+".address", "give it an address of its own, or let one row do both", "another listener has this address")
		}
	}
	if len(c.Listeners) == 0 {
		v.report("listener", "write [[listener]] with address = \"inet:8891@127.0.0.1\"", "no listener: postseal would never be asked")
	}
	v.oneOf("sign.multiple_from", c.Sign.MultipleFrom, "refuse", "first")
	v.oneOf("sign.on_key_error", c.Sign.OnKeyError, "accept", "tempfail")
	v.oneOf("sign.on_internal_error", c.Sign.OnInternalError, "accept", "tempfail")
	v.oneOf("sign.identity", c.Sign.Identity, "none", "domain", "sender")
	if len(c.Sign.SenderHeaders) == 0 {
		v.report("sign.sender_headers", `the default is ["From"]`, "the list is empty: no message would have a sender")
	}
	v.verify(c.Verify)
	v.authservID(c.AuthservID)
	if c.DNS.Timeout <= 0 || c.DNS.Timeout > Duration(time.Minute) {
		v.report("dns.timeout", "", "must be longer than zero and at most 1m: the MTA waits for it")
	}
	for _, name := range c.Sign.SenderHeaders {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' }) {
			v.report("sign.sender_headers", "", "%q is no name of a header field", name)
		}
	}
	v.oneOf("check.via", c.Check.Via, "auto", "authoritative", "resolver")
	v.store(c.Store)
	v.domains(c.Domains)
	v.keyZone(c.KeyZone)
	v.drivers(c)
	v.metrics(c.Metrics)
	v.panel(c.Panel)
	v.oneOf("log.format", c.Log.Format, "text", "json", "journal")
	v.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	v.oneOf("log.syslog_prefix", c.Log.SyslogPrefix, "auto", "always", "never")
	v.limits(c.Limits)
	return v.problems
}

type validator struct {
	cfg      *Config
	problems Problems
}

func (v *validator) report(key, hint, format string, args ...any) {
	v.problems = append(v.problems, v.cfg.Problem(key, hint, format, args...))
}

func (v *validator) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		v.report(key, "one of "+strings.Join(allowed, ", "), "%q is not a value for this", value)
	}
}

func (v *validator) listener(key string, l Listener) {
	network, _, err := ParseAddress(l.Address)
	if err != nil {
		v.report(key+".address", "for example inet:8891@127.0.0.1 or unix:/run/postseal/milter.sock", "%v", err)
	}
	v.oneOf(key+".mode", l.Mode, "sign", "verify", "both")
	if _, err := ParseMode(l.SocketMode); err != nil {
		v.report(key+".socket_mode", `for example "0660"`, "%v", err)
	}
	if network != "unix" && (l.SocketOwner != "" || l.SocketGroup != "") {
		v.report(key, "", "socket_owner and socket_group are for unix sockets")
	}
}

// schemes are those of store.url.
var schemes = []string{"sqlite:", "postgres://", "postgresql://"}

func (v *validator) store(s Store) {
	if s.URL == "" {
		return
	}
	if !slices.ContainsFunc(schemes, func(scheme string) bool { return strings.HasPrefix(s.URL, scheme) }) {
		v.report("store.url", "for example sqlite:/var/lib/postseal/postseal.db or postgres://postseal@db.example.net/postseal", "this is no address of a store")
	}
	sources := 0
	for _, given := range []bool{s.Credential != "", len(s.IdentityCommand) > 0, s.Identity != ""} {
		if given {
			sources++
		}
	}
	switch {
	case sources == 0:
		v.report("store.identity", "name a file; the first start makes it", "nothing seals the private keys")
	case s.Credential != "" && len(s.IdentityCommand) > 0:
		v.report("store.credential", "say one of the two", "the identity cannot come from a credential and from a command")
	}
}

func (v *validator) domains(d Domains) {
	v.oneOf("domains.activation", d.Activation, "verified", "manual", "immediate")
	v.oneOf("domains.tables", d.Tables, "watch", "gate", "ignore")
	v.oneOf("domains.revoke_style", d.RevokeStyle, "empty-p", "delete")
	for _, a := range d.Algorithms {
		v.oneOf("domains.algorithms", a, "rsa", "ed25519")
	}
	if len(d.Algorithms) == 0 {
		v.report("domains.algorithms", `the default is ["rsa"]`, "the list is empty: a new domain would have no key")
	}
	v.between("domains.bits", d.Bits, 1024, 4096) // RFC 8301 3.2
	if d.RetireAfter < Duration(24*time.Hour) {
		v.report("domains.retire_after", "", "must be at least 24h: messages signed with the old key are still in queues")
	}
	if d.RotateEvery != 0 && d.RotateEvery < d.RetireAfter {
		v.report("domains.rotate_every", "", "must be at least domains.retire_after, or 0 for never")
	}
	for i, source := range d.Candidates {
		if _, _, err := ParseCandidates(source); err != nil {
			v.report("domains.candidates", "postfix, sendmail, file:/PATH or exec:/PATH", "%v", err)
		} else if slices.Contains(d.Candidates[:i], source) {
			v.report("domains.candidates", "", "%q stands there twice", source)
		}
	}
}

func (v *validator) metrics(m Metrics) {
	if m.Listen != "" {
		if _, _, err := ParseHTTPAddress(m.Listen); err != nil {
			v.report("metrics.listen", "for example 127.0.0.1:9891 or unix:/run/postseal/metrics.sock", "%v", err)
		}
	}
	v.between("metrics.label_pairs", m.LabelPairs, 0, 100_000)
}

// Warnings are about what works and may not be meant.
func (c *Config) Warnings() (all Problems) {
	if _, address, err := ParseHTTPAddress(c.Metrics.Listen); err == nil && !onlyThisHost(address) {
		all = append(all, c.Problem("metrics.listen", "listen on 127.0.0.1, or let a firewall say who may ask",
			"other hosts reach %s, and anybody may read there which domains send how much", c.Metrics.Listen))
	}
	return append(all, c.panelWarnings()...)
}

// ParseMode reads the octal permissions of a socket file.
func ParseMode(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil || n > 0o777 {
		return 0, fmt.Errorf("%q is no file mode", s)
	}
	return uint32(n), nil
}

// verify checks the actions of [verify] and of its domains.
func (v *validator) verify(c Verify) {
	v.actions("verify", c.Actions, "accept", "reject", "tempfail", "discard", "quarantine")
	for _, id := range c.RemoveAuthservIDs {
		if !isAuthservID(id) || id == "" {
			v.report("verify.remove_authserv_ids", "", "%q is no authserv-id", id)
		}
	}
	if slices.ContainsFunc(c.SpareMethods, func(m string) bool { return strings.EqualFold(m, "dkim") }) {
		v.report("verify.spare_methods", "remove it", "a forged dkim=pass in our name would survive")
	}
	v.oneOf("verify.partial_body", c.PartialBody, "policy", "pass")
	v.between("verify.min_key_bits", c.MinKeyBits, 1024, c.MaxKeyBits) // RFC 8301 3.2
	v.between("verify.max_key_bits", c.MaxKeyBits, 2048, 8192)
	for i, d := range c.Domains {
		key := fmt.Sprintf("verify.domain[%d]", i)
		if d.Domain == "" {
			v.report(key, `say domain = "example.com"`, "the row names no domain")
		}
		allowed := []string{"", "accept", "reject", "tempfail", "discard", "quarantine"}
		v.actions(key, d.Actions, allowed...)
		v.oneOf(key+".no_aligned_pass", d.NoAlignedPass, allowed...)
	}
}

func (v *validator) actions(table string, a Actions, allowed ...string) {
	values := reflect.ValueOf(a)
	for i := range values.NumField() {
		v.oneOf(table+"."+values.Type().Field(i).Tag.Get("toml"), values.Field(i).String(), allowed...)
	}
}

// authservID takes a host name or a token: what needs no quotes (RFC 8601 2.2).
func (v *validator) authservID(id string) {
	if !isAuthservID(id) {
		v.report("authserv_id", "the host's name is usual", "%q is no authserv-id", id)
	}
}

func isAuthservID(id string) bool {
	bad := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("()<>@,;:\\\"/[]?=", r) }
	return !strings.ContainsFunc(id, bad)
}

// limits checks each bound against the least that lets mail through and the
// most that the protocol or the machine's memory allows.
func (v *validator) limits(l Limits) {
	v.between("limits.frame_bytes", l.FrameBytes, 256<<10, 16<<20)
	v.between("limits.drain_bytes", l.DrainBytes, l.FrameBytes, 1<<30)
	v.between("limits.header_bytes", l.HeaderBytes, 16<<10, 64<<20)
	v.between("limits.header_fields", l.HeaderFields, 50, 100_000)
	v.between("limits.connections", l.Connections, 1, 1_000_000)
	v.between("limits.key_operations", l.KeyOperations, 0, 1024)
	v.between("limits.keys_cached", l.KeysCached, 16, 10_000_000)
	v.between("limits.signatures", l.Signatures, 1, 50)
	v.between("limits.signed_names", l.SignedNames, 50, 100_000)
	v.between("limits.record_bytes", l.RecordBytes, 1024, 65535)
	v.between("limits.records_cached", l.RecordsCached, 16, 10_000_000)
	for key, d := range map[string]Duration{
		"limits.idle_timeout": l.IdleTimeout, "limits.frame_timeout": l.FrameTimeout,
		"limits.write_timeout": l.WriteTimeout, "limits.stop_timeout": l.StopTimeout,
	} {
		if d <= 0 {
			v.report(key, "", "must be longer than zero")
		}
	}
}

func (v *validator) between(key string, value, least, most int64) {
	if value < least || value > most {
		v.report(key, "", "%d is outside %d to %d", value, least, most)
	}
}
