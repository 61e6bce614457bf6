package keytable

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/mailaddr"
)

// Query asks which lines of the SigningTable are for a message.
type Query struct {
	Sender   mailaddr.Address
	User     string // login name of the client; "" if not authenticated
	Multiple bool   // all lines that match, in the order of the lookup, not only the first
	// RequireUser passes over lines without user=. It is for authenticated clients,
	// those of which no login name is known too.
	RequireUser bool
	// Trace, if set, is told line by line what was looked at, for a person who
	// asks why.
	Trace func(line string)
}

// Match is a line of the SigningTable that is for the message. It ends the search
// even if none of its keys can sign.
type Match struct {
	Row      Row
	Keys     []KeyRef // those that can sign, in the order of the names and lines
	Identity string   // for i=, in A-labels; "" if the line has none
	// OutOfService is why Keys is empty, "" if it is not.
	OutOfService string
}

// Row is a line of the SigningTable.
type Row struct {
	Path    string
	Line    int
	Pattern string // as written
	User    string // login pattern of user=, in lower case; "" if there is none
	Scope   Scope
}

// Position is "path:line".
func (r Row) Position() string { return r.Path + ":" + strconv.Itoa(r.Line) }

// Find returns the first line that is for the message, or all of them.
//
// A "refile:" table is walked in the order of its lines, the pattern being matched
// with the whole address. In a plain one, alice@sub.example.com is looked for as
//
//	alice@sub.example.com   sub.example.com
//	alice@.example.com      .example.com
//	alice@.com              .com
//	alice@*                 *
//
// in this order. Case has no meaning, in addresses and in login names. A line with
// user= is passed over unless the client is authenticated and its login name
// matches the whole pattern, "*" being any text.
func (t *Tables) Find(q Query) []Match {
	var tr *trace
	if q.Trace != nil {
		tr = &trace{tell: q.Trace}
	}
	if q.Sender.Domain == "" || len(t.signing.rows) == 0 {
		tr.add("no sender's domain, or no line in the SigningTable")
		return nil
	}
	l := lookup{signing: &t.signing, query: q, login: lower(q.User), trace: tr}
	if t.signing.refile {
		l.wild()
	} else {
		l.plain()
	}
	if len(l.found) == 0 {
		return nil
	}
	matches := make([]Match, len(l.found))
	for i, row := range l.found {
		matches[i] = t.match(row, q.Sender.Domain)
		tr.match(matches[i])
	}
	return matches
}

// match gathers the keys of a row for a sender's domain.
func (t *Tables) match(row int32, sender string) Match {
	r := &t.signing.rows[row]
	m := Match{Row: Row{Path: t.signing.table.path, Line: int(r.line), Pattern: r.pattern, User: r.user, Scope: r.scope}}
	if f := t.signing.faults[row]; f != nil {
		m.OutOfService = f.message
		return m
	}
	var err error
	if m.Identity, err = r.expandIdentity(sender); err != nil {
		m.OutOfService = "the identity " + quote(r.identity) + ": " + err.Error()
		return m
	}
	for name := range strings.SplitSeq(r.names, ",") {
		if name == senderDomain {
			name = sender
		}
		keys, reason := t.keys.usable(m.Keys, name, sender)
		m.Keys = keys
		if m.OutOfService == "" {
			m.OutOfService = reason
		}
	}
	m.keepWithin()
	if len(m.Keys) > 0 {
		m.OutOfService = ""
	}
	return m
}

// keepWithin drops the keys whose domain the identity is not in.
func (m *Match) keepWithin() {
	if m.Identity == "" {
		return
	}
	kept := m.Keys[:0]
	for _, key := range m.Keys {
		if f := checkWithin(m.Identity, key.Domain); f == nil {
			kept = append(kept, key)
		} else if m.OutOfService == "" {
			m.OutOfService = f.message
		}
	}
	m.Keys = kept
}

// usable appends the keys of a NAME that can sign for a sender's domain. reason is
// why one cannot, "" if all can.
func (k *keys) usable(dst []KeyRef, name, sender string) (_ []KeyRef, reason string) {
	known := false
	for line, row := range k.named(name, sender) {
		known = true
		ref, why := k.ref(line, row, sender)
		if why == "" {
			dst = append(dst, ref)
		} else if reason == "" {
			reason = why
		}
	}
	if !known {
		reason = k.noKey(name)
	}
	return dst, reason
}

// ref refers to the key of a line for a sender's domain, or says why it cannot
// sign.
func (k *keys) ref(line, row int32, sender string) (ref KeyRef, reason string) {
	if p := k.unusable(line); p != nil {
		return KeyRef{}, p.String()
	}
	if row == none {
		return KeyRef{}, fmt.Sprintf("%s:%d has no key file for %s", k.table.path, k.rows[line].line, sender)
	}
	if p := k.unusable(row); p != nil {
		return KeyRef{}, p.String()
	}
	ref = k.keyRef(row)
	if ref.Domain == senderDomain {
		ref.Domain = sender
		if err := dkim.ValidDomain(sender); err != nil {
			return KeyRef{}, err.Error()
		}
	}
	return ref, ""
}
