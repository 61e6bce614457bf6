package opendkim

import (
	"net/netip"
	"strings"

	"github.com/postseal/postseal/internal/mailaddr"
	"github.com/postseal/postseal/internal/netlist"
)

// trust turns what makes mail outgoing mail into options of [sign].
func (t *translator) trust() {
	hosts := []string{"127.0.0.1", "::1"}
	if _, ok := t.find("InternalHosts"); ok {
		hosts = t.hosts("InternalHosts")
	}
	t.set("sign.trusted_networks", hosts, "InternalHosts")
	t.set("sign.trusted_daemons", t.names("MTA"), "MTA")
	t.set("sign.trusted_macros", t.macros(), "MacroList")
	t.set("sign.peers", t.hosts("PeerList"), "PeerList")
	t.set("sign.exempt_domains", t.exemptDomains(), "ExemptDomains")
	t.set("sign.dont_sign_mail_to", t.recipients(), "DontSignMailTo")
}

// names are the members of a set of plain words.
func (t *translator) names(option string) []string {
	entries, patterns := t.members(option)
	words := []string{}
	for _, e := range entries {
		if patterns && strings.Contains(e.key, "*") {
			t.note(e.at, Differs, e.key, "left out: %s takes no patterns here; list the values", option)
			continue
		}
		words = append(words, e.key)
	}
	return words
}

// macros reads MacroList: `name` or `name=value|value`.
func (t *translator) macros() []string {
	rules := []string{}
	entries, _ := t.members("MacroList")
	for _, e := range entries {
		rule := strings.Trim(e.key, "{}")
		if e.value != "" {
			rule += "=" + e.value
		}
		rules = append(rules, rule)
	}
	return rules
}

// hosts reads a list of clients. What never matched a client in OpenDKIM is left out: to put it right here would trust,
// or pass by, more than the installation did.
func (t *translator) hosts(option string) []string {
	entries, patterns := t.members(option)
	hosts := []string{}
	for _, e := range entries {
		text, exception := strings.CutPrefix(e.key, "!")
		text = strings.TrimSpace(text)
		switch why := deadHost(text); {
		case e.key == "-" && len(entries) == 1:
		case patterns && strings.Contains(text, "*"):
			t.note(e.at, Differs, e.key, "left out: %s takes no patterns here; write .example.net for all below it, or networks", option)
		case why != "":
			t.note(e.at, Needless, e.key, "left out: it never matched (%s); look whether something else was meant", why)
		case exception:
			hosts = append(hosts, "!"+text)
		default:
			hosts = append(hosts, text)
		}
	}
	return hosts
}

// deadHost says why an entry matches nobody in OpenDKIM; "" if it may.
func deadHost(text string) string {
	if strings.HasPrefix(text, "[") && !strings.Contains(text, ":") {
		return "brackets around an IPv4 address"
	}
	bare := strings.NewReplacer("[", "", "]", "").Replace(text)
	if network, err := netip.ParsePrefix(bare); err == nil && network.Masked().String() != bare {
		return "the network is " + network.Masked().String()
	}
	if addr, err := netip.ParseAddr(bare); err == nil && addr.String() != bare {
		return "the address is written " + addr.String()
	}
	if _, errs := netlist.Parse([]string{text}); len(errs) > 0 {
		return errs[0].(*netlist.EntryError).Reason
	}
	return ""
}

// exemptDomains reads ExemptDomains: OpenDKIM compares the author's domain as a whole.
func (t *translator) exemptDomains() []string {
	entries, patterns := t.members("ExemptDomains")
	domains := []string{}
	for _, e := range entries {
		below, isBelow := strings.CutPrefix(e.key, "*.")
		switch {
		case patterns && isBelow && !strings.Contains(below, "*"):
			domains = append(domains, "."+below)
		case patterns && strings.Contains(e.key, "*"):
			t.note(e.at, Differs, e.key, "left out: exempt_domains takes example.com and .example.com only")
		case !isDomain(e.key):
			t.note(e.at, Needless, e.key, "left out: no author's domain is written like this, so it never matched")
		default:
			domains = append(domains, e.key)
		}
	}
	return domains
}

// recipients reads DontSignMailTo: OpenDKIM compares whole addresses, without case.
func (t *translator) recipients() []string {
	entries, patterns := t.members("DontSignMailTo")
	addresses := []string{}
	for _, e := range entries {
		local, domain, isAddress := strings.Cut(e.key, "@")
		below, isBelow := strings.CutPrefix(domain, "*.")
		wild := patterns && strings.Contains(e.key, "*")
		switch {
		case !isAddress && !wild:
			t.note(e.at, Needless, e.key, "left out: it is no address, so it never matched; here %s would be a whole domain", e.key)
		case wild && local == "*" && isDomain(domain):
			addresses = append(addresses, domain)
		case wild && local == "*" && isBelow && isDomain(below):
			addresses = append(addresses, "."+below)
		case wild:
			t.note(e.at, Differs, e.key, "left out: dont_sign_mail_to takes user@example.com, example.com and .example.com only")
		default:
			addresses = append(addresses, e.key)
		}
	}
	return addresses
}

func isDomain(s string) bool {
	_, err := mailaddr.ALabels(s)
	return err == nil && !strings.Contains(s, "*") && !strings.HasPrefix(s, ".")
}
