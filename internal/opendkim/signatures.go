package opendkim

import (
	"slices"
	"strings"
)

// signatures turns the form of the signatures into options of [sign].
func (t *translator) signatures() {
	t.set("sign.canonicalization", t.canonicalization(), "Canonicalization")
	t.set("sign.headers", t.headers(), "SignHeaders", "OmitHeaders")
	oversign, absent := t.oversign()
	t.set("sign.oversign", oversign, "OversignHeaders")
	t.set("sign.oversign_absent", absent, "OversignHeaders")
	if ttl := t.integer("SignatureTTL", 0); ttl > 0 {
		t.set("sign.expire", seconds(ttl), "SignatureTTL")
	}
	senders := []string{"From"}
	if _, ok := t.find("SenderHeaders"); ok {
		senders = t.names("SenderHeaders")
	}
	t.set("sign.sender_headers", senders, "SenderHeaders")
	t.always("sign.multiple_from", "first", "OpenDKIM takes the first address of From")
	t.always("sign.identity", "none", "OpenDKIM has i= only where the signing table or SubDomains gives it")
	if s, ok := t.find("SignatureAlgorithm"); ok {
		t.became(s.Name, "each key says its algorithm")
		if strings.EqualFold(s.Value, "rsa-sha1") {
			t.differs(s.Name, "RSA keys sign with rsa-sha256: SHA-1 signatures pass nowhere (RFC 8301)")
		}
	}
}

// canonicalization is `header[/body]`; OpenDKIM's default is simple for both.
func (t *translator) canonicalization() string {
	s, ok := t.find("Canonicalization")
	if !ok {
		return "simple/simple"
	}
	header, body, found := strings.Cut(strings.ToLower(s.Value), "/")
	if !found {
		body = "simple" // RFC 6376 3.5, c=
	}
	for _, word := range []string{header, body} {
		if word != "simple" && word != "relaxed" {
			t.problems.add(s.At, "write simple or relaxed", "Canonicalization %s is none", clip(s.Value))
			break
		}
	}
	return header + "/" + body
}

// signedByDefault is what OpenDKIM signs, and omittedByDefault what it leaves out though a list names it.
var (
	signedByDefault = []string{
		"From", "Reply-To", "Subject", "Date", "To", "Cc",
		"Resent-Date", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc", "In-Reply-To", "References",
		"List-Id", "List-Help", "List-Unsubscribe", "List-Subscribe", "List-Post", "List-Owner", "List-Archive",
	}
	omittedByDefault = []string{"Return-Path", "Received", "Comments", "Keywords"}
)

// headers is the list of signed fields: SignHeaders less OmitHeaders.
func (t *translator) headers() []string {
	omit := t.delta("OmitHeaders", omittedByDefault)
	signed := []string{}
	for _, name := range t.delta("SignHeaders", signedByDefault) {
		switch {
		case strings.Contains(name, "*"):
			t.differs("SignHeaders", "%s is left out: sign.headers takes no patterns; list the fields", name)
		case strings.EqualFold(name, "From"):
			signed = append(signed, name)
		case !slices.ContainsFunc(omit, func(p string) bool { return matches(p, name) }):
			signed = append(signed, name)
		}
	}
	if slices.ContainsFunc(omit, func(p string) bool { return matches(p, "From") }) {
		t.differs("OmitHeaders", "From is signed all the same; OpenDKIM cannot sign without it and passes such mail unsigned")
	}
	return signed
}

// delta reads a list of fields that replaces its default, or with "*" in it adds to it (`+Name`) and takes away
// (`-Name`).
func (t *translator) delta(option string, standard []string) []string {
	if _, ok := t.find(option); !ok {
		return standard
	}
	entries, _ := t.members(option)
	if !slices.ContainsFunc(entries, func(e entry) bool { return e.key == "*" }) {
		names := []string{}
		for _, e := range entries {
			names = append(names, e.key)
		}
		return names
	}
	names := slices.Clone(standard)
	for _, e := range entries {
		if name, ok := strings.CutPrefix(e.key, "+"); ok {
			names = append(names, name)
		} else if name, ok := strings.CutPrefix(e.key, "-"); ok {
			names = slices.DeleteFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
		}
	}
	return names
}

// matches compares a field's name with one that may have "*" in it, without case. Each literal part is taken at the
// leftmost place, which is as good as any.
func matches(pattern, name string) bool {
	head, rest, wild := strings.Cut(strings.ToLower(pattern), "*")
	name = strings.ToLower(name)
	if !wild {
		return head == name
	}
	name, ok := strings.CutPrefix(name, head)
	for ok && wild {
		var part string
		if part, rest, wild = strings.Cut(rest, "*"); !wild {
			return strings.HasSuffix(name, part)
		}
		_, name, ok = strings.Cut(name, part)
	}
	return false
}

// oversign sorts OversignHeaders: what may be asserted to be absent, and what MTAs and lists rightly add later.
func (t *translator) oversign() (present, absent []string) {
	present, absent = []string{}, []string{}
	entries, _ := t.members("OversignHeaders")
	for i, e := range entries {
		same := func(other entry) bool { return strings.EqualFold(other.key, e.key) }
		if slices.ContainsFunc(entries[:i], same) {
			t.note(e.at, Differs, "OversignHeaders "+e.key, "named before: one more in h= already keeps others from adding such a field; OpenDKIM has one for each time that it is named")
			continue
		}
		if !addedLater(e.key) {
			absent = append(absent, e.key)
			continue
		}
		present = append(present, e.key)
		t.note(e.at, Differs, "OversignHeaders "+e.key, "oversigned where the message has it; never asserted to be absent, since MTAs and lists rightly add it")
	}
	return present, absent
}

// addedLater tells the fields of which sign.oversign_absent takes none.
func addedLater(name string) bool {
	name = strings.ToLower(name)
	return name == "date" || name == "message-id" || name == "mime-version" ||
		strings.HasPrefix(name, "content-") || strings.HasPrefix(name, "list-")
}
