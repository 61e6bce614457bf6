package opendkim

import "strings"

// signingTable translates `PATTERN NAME[:IDENTITY]` rows.
func (t *translator) signingTable(s Setting) {
	set, ok := t.dataset(s)
	if !ok {
		return
	}
	t.patterns = set.patterns
	for _, e := range set.entries {
		t.signingRow(e)
	}
	if len(set.entries) == 0 {
		t.problems.add(s.At, "is it the right file?", "%s has no rows", s.Name)
	}
}

// signingRow translates one row.
func (t *translator) signingRow(e entry) {
	if why := t.deadPattern(e); why != "" {
		t.note(e.at, Needless, e.key+" "+e.value, "left out: it never matched (%s)", why)
		return
	}
	name, identity, _ := strings.Cut(e.value, ":")
	name, identity = strings.TrimSpace(name), strings.TrimSpace(identity)
	key, ok := t.keys[name]
	switch {
	case name == "":
		t.problems.add(e.at, "want PATTERN NAME[:IDENTITY]", "the row of %q names no key", clip(e.key))
		return
	case name == senderDomain:
		key = keyRow{name: senderDomain, domain: senderDomain}
	case !ok:
		t.problems.add(e.at, t.similar(name), "no key named %q; OpenDKIM defers every mail that comes to this row", clip(name))
		return
	}
	if identity != "" && !strings.Contains(identity, "@") {
		t.problems.add(e.at, "write @"+identity+" for the whole domain", "the identity %q has no @; OpenDKIM leaves the mail of this row unsigned without a word", clip(identity))
		return
	}
	if t.patterns && strings.ContainsAny(e.key, "[]|(){}?^$\\") {
		t.note(e.at, Differs, e.key, "every character but * stands for itself; OpenDKIM takes it as a part of a regular expression")
	}
	t.addRow(e, key, identity)
}

// similar is the hint for a name that differs in case only.
func (t *translator) similar(name string) string {
	for known := range t.keys {
		if strings.EqualFold(known, name) {
			return "names are case-sensitive: there is " + known
		}
	}
	return ""
}

// deadPattern says why a row never matches in OpenDKIM, nor would here.
func (t *translator) deadPattern(e entry) string {
	local, domain, isAddress := strings.Cut(e.key, "@")
	switch {
	case t.patterns && !isAddress && !strings.Contains(e.key, "*"):
		return "the whole address is compared, and this has no @"
	case t.patterns && strings.HasPrefix(domain, "."):
		return "no domain begins with a dot"
	case t.patterns:
		return ""
	case isAddress && local == "":
		return "nothing stands before the @"
	case strings.Contains(e.key, "*") && e.key != "*" && (domain != "*" || strings.Contains(local, "*")):
		return "this kind of table knows no wildcards; refile: does"
	}
	pattern := strings.ToLower(e.key)
	if first, twice := t.plainIn[pattern]; twice {
		return first.String() + " has the same pattern, and OpenDKIM uses that row"
	}
	t.plainIn[pattern] = e.at
	return ""
}

// addRow writes a row. OpenDKIM drops an identity that is not in the key's domain and signs without; postseal wants
// each row to say what it does.
func (t *translator) addRow(e entry, key keyRow, identity string) {
	row := e.key + " " + key.name
	if identity == "" {
		t.write(row, e.at)
		return
	}
	switch inside(e.key, identity, key.domain) {
	case always:
		t.write(row+":"+identity, e.at)
	case never:
		t.note(e.at, Carried, e.key+" "+e.value, "without its identity, which is not in %s: OpenDKIM drops it as well", key.domain)
		t.write(row, e.at)
	case sometimes:
		t.split(e, key, identity)
	}
}

// split writes a row for the key's own domain, with the identity, above the row for all others, without.
func (t *translator) split(e entry, key keyRow, identity string) {
	own, below := "*@"+key.domain, "*@*."+key.domain
	if !t.patterns {
		own, below = key.domain, "."+key.domain
	}
	all := key.domain != senderDomain && (e.key == "*" || t.patterns && e.key == "*@*")
	if !all || t.multiple() || !t.patterns && t.hasPlain(own, below) {
		t.note(e.at, Differs, e.key+" "+e.value, "signs without the identity; OpenDKIM drops it only for senders outside of the key's domain")
		t.write(e.key+" "+key.name, e.at)
		return
	}
	t.note(e.at, Carried, e.key+" "+e.value, "split: with the identity for %s, without it for all others, as OpenDKIM does", key.domain)
	for _, pattern := range []string{own, below} {
		t.write(pattern+" "+key.name+":"+identity, e.at)
	}
	t.write(e.key+" "+key.name, e.at)
}

func (t *translator) hasPlain(patterns ...string) bool {
	for _, p := range patterns {
		if _, ok := t.plainIn[strings.ToLower(p)]; ok {
			return true
		}
	}
	return false
}

func (t *translator) write(row string, at Position) {
	t.result.SigningTable = append(t.result.SigningTable, Line{row, at})
}

// membership tells for how many senders something holds.
type membership uint8

const (
	always membership = iota
	sometimes
	never
)

// inside tells whether the identity of a row is in the domain of its key, which may depend on the sender.
func inside(pattern, identity, domain string) membership {
	at := strings.LastIndexByte(identity, '@')
	name := strings.ToLower(identity[at+1:])
	if domain == senderDomain && name == senderDomain {
		return always
	}
	domain = strings.ToLower(domain)
	if !strings.Contains(name, "%") {
		return fixedInside(name, domain)
	}
	// What the sender's domain can be, by the row's pattern.
	senders := strings.ToLower(pattern[strings.LastIndexByte(pattern, '@')+1:])
	if name != senderDomain || domain == senderDomain || senders == "" {
		return sometimes
	}
	parent := strings.TrimPrefix(strings.TrimPrefix(senders, "*"), ".")
	switch {
	case within(parent, domain) && parent != "":
		return always
	case parent == senders && !strings.Contains(senders, "*"):
		return never
	case parent == "" || within(domain, parent) || strings.Contains(parent, "*"):
		return sometimes
	}
	return never
}

func fixedInside(name, domain string) membership {
	switch {
	case domain == senderDomain:
		return sometimes
	case within(name, domain):
		return always
	}
	return never
}

// within tells whether name is domain or below it (RFC 6376 3.5, i=).
func within(name, domain string) bool {
	return name == domain || strings.HasSuffix(name, "."+domain)
}
