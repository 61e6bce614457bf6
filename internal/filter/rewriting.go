package filter

import (
	"bytes"
	"strings"

	"github.com/postseal/postseal/dkim"
)

// Warnings about header fields that Sendmail changes after the milter. Postfix
// changes them before, so that the milter sees what is delivered.
const (
	warnDropped     = "dropped-field"       // signed, and removed: Bcc and its like
	warnRespaced    = "respaced-addresses"  // address lists are written anew, with ", " between them
	warnRewritten   = "rewritten-address"   // names are quoted, source routes dropped
	warnUnqualified = "unqualified-address" // completed with a domain of its own
)

var (
	droppedFields = []string{"Bcc", "Resent-Bcc", "Content-Length", "Return-Path", "Full-Name"}
	addressFields = []string{
		"From", "Sender", "Reply-To", "To", "Cc", "Resent-From", "Resent-Sender", "Resent-Reply-To", "Resent-To", "Resent-Cc",
		"Apparently-To", "Errors-To", "Return-Receipt-To", "Disposition-Notification-To",
	}
)

// Fragile are the fields, by name, that signatures cover and that Sendmail removes or
// writes anew (conf.c of Sendmail, HdrInfo).
type Fragile struct{ Dropped, Addresses []string }

// FragileOf picks them.
func FragileOf(headers *dkim.HeaderSet) (f Fragile) {
	covered := func(names []string) (all []string) {
		for _, name := range names {
			if headers != nil && headers.Covers(name) {
				all = append(all, name)
			}
		}
		return all
	}
	return Fragile{Dropped: covered(droppedFields), Addresses: covered(addressFields)}
}

// isPostfix takes the macro v: Postfix names itself in it, Sendmail gives a bare version.
func isPostfix(v string) bool { return strings.HasPrefix(v, "Postfix") }

// headerWarnings lists what Sendmail will do to the header of a message that is signed,
// with simple canonicalization of the header or relaxed, and tells whether it will break
// a line of an address list.
func headerWarnings(fields *dkim.Fields, f Fragile, simple bool) (all []string, long bool) {
	for _, name := range f.Dropped {
		if fields.Count(name) > 0 {
			all = append(all, warnDropped)
			break
		}
	}
	var r rewriting
	for _, name := range f.Addresses {
		for i := range fields.FromBottom(name) {
			value := fields.Value(i)
			r = r.or(sendmailRewrites(value, sendmailLine-len(name)-len(": ")))
			r.respaced = r.respaced || simple && sendmailFolds(value)
		}
	}
	for _, w := range []struct {
		word string
		on   bool
	}{{warnRespaced, r.respaced}, {warnRewritten, r.rewritten}, {warnUnqualified, r.unqualified}} {
		if w.on {
			all = append(all, w.word)
		}
	}
	return all, r.long
}

// sendmailFolds tells whether Sendmail will fold an address list in another way, or write
// other blanks, which simple canonicalization does not forgive.
func sendmailFolds(value []byte) bool {
	const surelyOneLine = 60 // it fills lines up to 78 octets, with the field's name
	_, rest, list := bytes.Cut(value, []byte(","))
	for found := list; found; _, rest, found = bytes.Cut(rest, []byte(",")) {
		if len(rest) < 2 || rest[0] != ' ' || isBlank(rest[1]) {
			return true
		}
	}
	return list && len(value) > surelyOneLine || bytes.IndexByte(value, '\n') >= 0 || len(value) > 0 && isBlank(value[len(value)-1])
}
