package opendkim

import (
	"fmt"
	"strings"
)

// actionWords are the actions by their first letter.
var actionWords = map[byte]string{'a': "accept", 'd': "discard", 'q': "quarantine", 'r': "reject", 't': "tempfail"}

// action reads an On- option. On-Default counts where it is not set, and then OpenDKIM's own default.
func (t *translator) action(name, otherwise string) string {
	for _, option := range []string{name, "On-Default"} {
		s, ok := t.find(option)
		if !ok {
			continue
		}
		if word := actionWords[strings.ToLower(s.Value)[0]]; word != "" {
			return word
		}
		t.problems.add(s.At, "one of accept, discard, quarantine, reject, tempfail", "%s %s is no action", s.Name, clip(s.Value))
	}
	return otherwise
}

// otherMethods are the results that may stand in a field in our name and stay there: OpenDKIM removes a field only
// when it has a result of DKIM, unless RemoveARAll is set.
var otherMethods = []string{"spf", "dmarc", "arc", "auth", "iprev", "sender-id", "dkim-adsp", "dkim-atps", "domainkeys", "smime", "rrvs", "vbr", "dnswl", "bimi"}

// verifying turns what concerns incoming mail into [verify] and the authserv-id.
func (t *translator) verifying() {
	if s, ok := t.find("AuthservID"); ok {
		id := s.Value
		if id == "HOSTNAME" {
			id = t.options.Hostname
		}
		t.set("authserv_id", id, "AuthservID")
	}
	t.actions()
	t.set("verify.report_unsigned", t.flag("AlwaysAddARHeader"), "AlwaysAddARHeader")
	t.set("verify.partial_body", t.partialBody(), "Minimum")
	t.set("verify.min_key_bits", t.minKeyBits(), "MinimumKeyBits")
	t.always("verify.max_key_bits", 8192, "OpenDKIM knows no upper bound")
	t.set("verify.clock_skew", seconds(t.integer("ClockDrift", 300)), "ClockDrift")
	spare := otherMethods
	if t.flag("RemoveARAll") {
		spare = []string{}
	}
	t.set("verify.spare_methods", spare, "RemoveARAll")
	t.set("verify.remove_authserv_ids", t.names("RemoveARFrom"), "RemoveARFrom")
	t.set("limits.signatures", t.bounded("MaximumSignaturesToVerify", 3, 1, 50), "MaximumSignaturesToVerify")
	t.set("limits.header_bytes", t.bounded("MaximumHeaders", 65536, 16<<10, 64<<20), "MaximumHeaders")
}

// actions sets one action for each kind of verdict.
func (t *translator) actions() {
	bad := t.action("On-BadSignature", "accept")
	t.set("verify.bad_signature", bad, "On-BadSignature", "On-Default")
	t.set("verify.malformed", bad, "On-BadSignature", "On-Default")
	t.set("verify.key_not_found", t.action("On-KeyNotFound", "accept"), "On-KeyNotFound", "On-Default")
	t.noSignature()
	t.set("verify.dns_error", t.action("On-DNSError", "tempfail"), "On-DNSError", "On-Default")
	internal := t.action("On-InternalError", "tempfail")
	t.set("verify.internal_error", internal, "On-InternalError", "On-Default")
	t.set("sign.on_internal_error", signingAction(internal), "On-InternalError", "On-Default")
	t.set("sign.on_key_error", signingAction(internal), "On-InternalError", "On-Default")
	if signingAction(internal) != internal {
		t.note(t.setBy("On-InternalError"), Differs, "On-InternalError "+internal, "outgoing mail is deferred: postseal never loses it for a fault of its own")
	}
	t.security()
	t.always("verify.key_too_small", "accept", "OpenDKIM accepts such mail whatever its On- options say")
}

// noSignature sets the action for unsigned mail. OpenDKIM takes none where AlwaysAddARHeader has it report such mail.
func (t *translator) noSignature() {
	action := t.action("On-NoSignature", "accept")
	if action != "accept" && t.flag("AlwaysAddARHeader") {
		t.note(t.setBy("On-NoSignature"), Carried, "On-NoSignature "+action, "accept, as OpenDKIM does with AlwaysAddARHeader; look whether verify.no_signature = %q is what you want", action)
		action = "accept"
	}
	t.set("verify.no_signature", action, "On-NoSignature", "On-Default", "AlwaysAddARHeader")
}

// security sets the action for `policy` verdicts. OpenDKIM's one security concern is a header over MaximumHeaders, which
// it defers. Ours are several: to defer all of them unasked would hold up mail that OpenDKIM let through.
func (t *translator) security() {
	action := t.action("On-Security", "")
	if action == "" {
		t.always("verify.security", "accept", "OpenDKIM defers mail with a header over MaximumHeaders; postseal has more such concerns and defers none")
		return
	}
	t.set("verify.security", action, "On-Security", "On-Default")
}

// setBy is the line that set an action.
func (t *translator) setBy(name string) Position {
	s, ok := t.find(name)
	if !ok {
		s, _ = t.find("On-Default")
	}
	return s.At
}

// signingAction is what can be done to outgoing mail that meets trouble.
func signingAction(action string) string {
	if action == "accept" {
		return action
	}
	return "tempfail"
}

// partialBody is what becomes of a signature that covers a part of the body only (l=).
func (t *translator) partialBody() string {
	s, ok := t.find("Minimum")
	if !ok || strings.Trim(s.Value, "0%") == "" {
		return "pass"
	}
	if s.Value != "100%" && s.Value != "0+" {
		t.differs("Minimum", "every signature that leaves a part of the body out gets `policy`, however small the part")
	}
	return "policy"
}

// minKeyBits is the smallest key that may pass: RFC 8301 3.2 wants 1024 at least.
func (t *translator) minKeyBits() int {
	bits := t.integer("MinimumKeyBits", 1024)
	if bits < 1024 {
		t.differs("MinimumKeyBits", "keys under 1024 bits never pass (RFC 8301)")
		return 1024
	}
	return min(bits, 8192)
}

// bounded is a number between what postseal takes; OpenDKIM's 0 is no bound.
func (t *translator) bounded(name string, otherwise, least, most int) int {
	n := t.integer(name, otherwise)
	if n == 0 || n > most {
		t.differs(name, "bounded by %d", most)
		return most
	}
	if n < least {
		t.differs(name, "at least %d", least)
	}
	return max(n, least)
}

// dns turns the resolver's options into [dns].
func (t *translator) dns() {
	if _, ok := t.find("Nameservers"); ok {
		t.set("dns.nameservers", t.names("Nameservers"), "Nameservers")
	}
	t.set("dns.timeout", seconds(t.bounded("DNSTimeout", 5, 1, 60)), "DNSTimeout")
	for _, name := range []string{"TestPublicKeys", "TestDNSData"} {
		s, ok := t.find(name)
		if !ok {
			continue
		}
		if name == "TestPublicKeys" {
			s.Value = "file:" + s.Value // a plain file, whatever its name looks like
		}
		set, _ := t.dataset(s)
		for _, e := range set.entries {
			t.result.Records = append(t.result.Records, Line{e.key + " " + e.value, e.at})
		}
		t.set("dns.records_file", inOutput{name: RecordsFile}, name)
		break // TestPublicKeys comes first
	}
}

func seconds(n int) string { return fmt.Sprintf("%ds", n) }
