package migrate

import (
	"regexp"
	"slices"
	"strings"
)

// What a configuration means for a message, where that decides whether a difference concerns it. It is written from
// opendkim.conf(5), not from either program.

// trusts tells whether a message counts as outgoing mail.
func (c configuration) trusts(m message) bool {
	switch {
	case m.macros["{auth_type}"] != "":
		return true
	case m.macros["{daemon_name}"] == "ORIGINATING" && c["MTA"] != unset:
		return true
	case m.macros["{mail_host}"] == "out.test" && c["MacroList"] != unset:
		return true
	case m.macros["{auth_author}"] != "" && strings.Contains(c["MacroList"], "file:"):
		return true
	}
	internal := map[string][]string{
		factors[1].levels[0]: {local},
		factors[1].levels[1]: {local, inside, peer},
		factors[1].levels[2]: {local, inside},
		factors[1].levels[3]: {inside, excepted, "2001:db8::7"},
	}[c["InternalHosts"]]
	return slices.Contains(internal, m.client)
}

// outgoing tells whether a message is to be signed.
func (c configuration) outgoing(m message) bool {
	return c["Mode"] != "Mode v" && c.trusts(m) && c.signsFor(m) && !c.passedBy(m)
}

// oversignedOnly are the fields that OversignHeaders names and SignHeaders, less OmitHeaders, does not.
func (c configuration) oversignedOnly() (names []string) {
	if strings.Contains(c["OversignHeaders"], "X-Own") {
		names = append(names, "x-own")
	}
	if strings.Contains(c["OversignHeaders"], "Subject") && c["OmitHeaders"] == "OmitHeaders Reply-To,Subject" {
		names = append(names, "subject")
	}
	if strings.Contains(c["OversignHeaders"], "Reply-To") && (c["OmitHeaders"] == "OmitHeaders Reply-To,Subject" || strings.Contains(c["SignHeaders"], "From,To")) {
		names = append(names, "reply-to")
	}
	return names
}

// passedBy tells whether a message is none of the program's business, whoever it is from.
func (c configuration) passedBy(m message) bool {
	return m.client == peer && c["PeerList"] != unset || c["ExemptDomains"] != unset && strings.HasSuffix(c.sender(m), "exempt.test")
}

var (
	fromAddress   = regexp.MustCompile(`(?im)^From:[^<]*<[^@>]*@([^>]*)>`)
	senderAddress = regexp.MustCompile(`(?im)^Sender:[^@]*@(\S*)`)
)

// sender is the domain that a message is signed for.
func (c configuration) sender(m message) string {
	for _, field := range []struct {
		address *regexp.Regexp
		counts  bool
	}{{senderAddress, c["SenderHeaders"] != unset}, {fromAddress, true}} {
		if found := field.address.FindStringSubmatch(strings.ReplaceAll(m.raw, "\r\n\t", " ")); found != nil && field.counts {
			return strings.ToLower(found[1])
		}
	}
	return ""
}

// signsFor tells whether there is a key, or should be, for the sender of a message.
func (c configuration) signsFor(m message) bool {
	sender, keys := c.sender(m), c["keys"]
	below := func(domain string) bool { return strings.HasSuffix(sender, "."+domain) }
	subDomains := c["SubDomains"] != unset
	switch ada := strings.Contains(m.raw, "ada@") || strings.Contains(m.raw, "Ada@") || strings.Contains(m.raw, "ADA@"); {
	case strings.Contains(keys, "Domain *"), strings.Contains(keys, "percent"), strings.Contains(keys, "wide"):
		return true
	case strings.Contains(keys, "named"), strings.Contains(keys, "csl:"), strings.Contains(keys, ".db"):
		return below("test")
	case strings.Contains(keys, "blanks"):
		return sender == "a.test" || sender == "b.test"
	case strings.Contains(keys, "SigningTable"): // st.refile, st.plain
		return sender == "a.test" || sender == "b.test" || below("a.test") || ada && sender == c.author(m)
	case strings.Contains(keys, "patterns"):
		return below("a.test") || sender == "b.test"
	case keys == factors[0].levels[0]:
		return sender == "a.test" || subDomains && below("a.test")
	}
	return sender == "a.test" || sender == "b.test" || subDomains && (below("a.test") || below("b.test"))
}

// author is the domain in From.
func (c configuration) author(m message) string {
	return configuration{}.sender(m)
}

// authservID is the name in results.
func (c configuration) authservID() string {
	if strings.HasSuffix(c["AuthservID"], "results.test") {
		return "results.test"
	}
	return "mx.lab.test" // {j}, and the host's name
}

// none is what becomes of a message without a signature.
func (c configuration) none() outcome {
	reported := c["AlwaysAddARHeader"] != unset
	switch {
	case reported:
		return outcome{"reply accept", "results " + c.authservID() + "; dkim=none"}
	case c["On-NoSignature"] == unset:
		return outcome{"reply accept"}
	}
	_, action, _ := strings.Cut(c["On-NoSignature"], " ")
	return outcome{"reply " + action}
}

// verifiedStrictly is what becomes of an unsigned message that opendkim, with StrictHeaders, calls malformed.
func (c configuration) verifiedStrictly(o outcome) outcome {
	if c["StrictHeaders"] == unset || !hasResults(o) {
		return o
	}
	return c.none()
}

// results is the line about one signature of a message.
func (c configuration) results(m message, result, selector string) string {
	found := regexp.MustCompile(`(?s)\bb=(.*?)\r\n\S`).FindStringSubmatch(m.raw)
	b := strings.Join(strings.Fields(found[1]), "")[:8]
	return "results " + c.authservID() + "; dkim=" + result +
		" header.a=rsa-sha256 header.b=" + b + " header.d=stranger.test header.i=@stranger.test header.s=" + selector
}

// withoutKey is what becomes of the one signature of a message whose key is missing or revoked.
func (c configuration) withoutKey(name string) outcome {
	if c["On-KeyNotFound"] == "On-KeyNotFound reject" {
		return outcome{"reply reject"}
	}
	m := messages()[slices.IndexFunc(messages(), func(m message) bool { return m.name == name })]
	return outcome{"reply accept", c.results(m, "permerror", map[string]string{"no key": "none", "revoked": "revoked"}[name])}
}

// forged are the ordinals of the results that are taken away from the message of that name.
func (c configuration) forged() string {
	switch {
	case c.authservID() == "results.test":
		return "4"
	case c["RemoveARAll"] != unset:
		return "1,2"
	}
	return "1"
}
