package opendkim

import (
	"strings"
)

// senderDomain as a DOMAIN or a NAME stands for the domain of the sender.
const senderDomain = "%"

// keyRow is a row of the KeyTable, as far as the rows of the SigningTable depend on it.
type keyRow struct {
	name   string // in the table that is written
	domain string // or senderDomain
	at     Position
}

// signing turns what names keys and senders into the two tables. A configuration with which opendkim would not start is
// a problem.
func (t *translator) signing() {
	keyTable, hasKeys := t.find("KeyTable")
	signingTable, hasRows := t.find("SigningTable")
	_, hasScript := t.find("SetupPolicyScript")
	at := Position{Path: t.conf.path}
	switch {
	case !t.signs():
		t.set("sign.keytable", "", "Mode")
		t.set("sign.signingtable", "", "Mode")
		t.verifiesOwn()
	case hasKeys && hasRows:
		t.keyTable(keyTable)
		t.signingTable(signingTable)
		t.writtenAs("KeyTable", "SigningTable", "MultipleSignatures")
	case hasRows:
		t.problems.add(signingTable.At, "opendkim does not start like this either", "SigningTable without KeyTable")
	case hasKeys && hasScript:
		t.problems.add(keyTable.At, "write a SigningTable that says what the Lua script decides", "KeyTable without SigningTable: a script chooses the keys")
	case hasKeys:
		t.problems.add(keyTable.At, "opendkim does not start like this either", "KeyTable without SigningTable")
	case t.single():
		t.writtenAs("KeyFile", "Domain", "")
	default:
		t.problems.add(at, "opendkim does not start like this either", "it signs (Mode), and has neither KeyTable and SigningTable nor Domain, Selector and KeyFile")
	}
}

// verifiesOwn tells of a verifier that has keys set all the same: OpenDKIM passes what it would otherwise sign.
func (t *translator) verifiesOwn() {
	for _, name := range []string{"KeyTable", "Domain"} {
		if _, ok := t.find(name); ok && t.action("On-NoSignature", "accept") != "accept" && !t.flag("AlwaysAddARHeader") {
			t.differs(name, "mail of internal hosts for its domains, which OpenDKIM passes with Mode v, meets verify.no_signature like all other")
		}
	}
}

// writtenAs names the two tables in the configuration; multiple is the option that lets all rows sign.
func (t *translator) writtenAs(keys, rows, multiple string) {
	t.set("sign.keytable", inOutput{name: KeyTableFile}, keys)
	prefix := "file:"
	if t.patterns {
		prefix = "refile:"
	}
	t.set("sign.signingtable", inOutput{prefix, SigningTableFile}, rows)
	if multiple == "" {
		return
	}
	if _, ok := t.find(multiple); ok {
		t.set("sign.multiple_signatures", t.multiple(), multiple)
	}
}

func (t *translator) multiple() bool { return t.flag("MultipleSignatures") }

// keyTable translates `NAME DOMAIN:SELECTOR:KEY` rows. Of several rows with the same NAME OpenDKIM uses the first.
func (t *translator) keyTable(s Setting) {
	set, ok := t.dataset(s)
	if !ok {
		return
	}
	for _, e := range set.entries {
		if first, twice := t.keys[e.key]; twice {
			t.note(e.at, Needless, e.key, "left out: %s has this name already, and OpenDKIM uses that row", first.at)
			continue
		}
		if set.patterns && strings.Contains(e.key, "*") {
			t.problems.add(e.at, "name each key", "key name %q is a pattern", clip(e.key))
			continue
		}
		t.keyRow(e)
	}
	if len(set.entries) == 0 {
		t.problems.add(s.At, "is it the right file?", "%s has no rows", s.Name)
	}
}

// keyRow translates one row of the KeyTable.
func (t *translator) keyRow(e entry) {
	const form = "want NAME DOMAIN:SELECTOR:KEY"
	domain, rest, _ := strings.Cut(e.value, ":")
	selector, key, complete := strings.Cut(rest, ":")
	t.tellBlanks(e, domain, selector, key)
	domain, selector, key = strings.TrimSpace(domain), strings.TrimSpace(selector), strings.TrimSpace(key)
	row := keyRow{name: newName(e.key), domain: domain, at: e.at}
	t.keys[e.key] = row // known, so that only one of the tables is blamed
	switch {
	case !complete || domain == "" || selector == "" || key == "":
		t.problems.add(e.at, form, "the row of key %q is incomplete", clip(e.key))
		return
	case domain != senderDomain && strings.Contains(domain, "%"):
		t.problems.add(e.at, "write the domain, or % alone", "OpenDKIM signs with d=%s as it stands, which no verifier accepts", clip(domain))
		return
	}
	if path, algorithm := splitPath(key); path != "" {
		written, ok := t.keyFile(path, domain, selector, e.at)
		if !ok {
			return
		}
		key = written + algorithm
	}
	t.result.KeyTable = append(t.result.KeyTable, Line{row.name + " " + domain + ":" + selector + ":" + key, e.at})
}

// tellBlanks tells of blanks around the colons of a row, which belong to nothing here. OpenDKIM takes them for a part
// of the name: it has no such key file and defers, or writes them into d= and s=, where verifiers pass over them
// (RFC 6376 3.2).
func (t *translator) tellBlanks(e entry, domain, selector, key string) {
	switch {
	case strings.TrimLeft(key, " \t") != key:
		t.note(e.at, Differs, e.key, "the blank before its key is passed over, and mail is signed; OpenDKIM takes it for a part of the key and defers all mail that the row is for")
	case strings.TrimSpace(domain) != domain, strings.TrimSpace(selector) != selector:
		t.note(e.at, Carried, e.key, "without the blanks around its colons, which OpenDKIM writes into d= and s=, where they mean nothing")
	}
}

// splitPath tells a path, with the fourth field that newer OpenDKIMs allow behind it, from a key.
func splitPath(key string) (path, algorithm string) {
	if !strings.HasPrefix(key, "/") && !strings.HasPrefix(key, "./") && !strings.HasPrefix(key, "../") {
		return "", ""
	}
	for _, name := range []string{"rsa-sha1", "rsa-sha256", "ed25519-sha256"} {
		if path, ok := strings.CutSuffix(key, ":"+name); ok {
			return strings.TrimSpace(path), ":" + name
		}
	}
	return key, ""
}

// newName gives a key's name without what means something else to postseal: a comma separates names.
func newName(name string) string { return strings.ReplaceAll(name, ",", "%2C") }
