package filter

import (
	"strings"

	"github.com/postseal/postseal/dkim"
)

// Warnings about header fields that Sendmail changes after the milter. Postfix
// changes them before, so that the milter sees what is delivered.
const (
	warnDropped     = "dropped-field"       // signed, and removed: Bcc and its like
	warnRespaced    = "respaced-addresses"  // address lists are written anew, with ", " between them
	warnUnqualified = "unqualified-address" // completed with a domain of its own
)

// DroppedFields are those that Sendmail removes. A signature that covers one breaks.
var DroppedFields = []string{"Bcc", "Resent-Bcc", "Content-Length", "Return-Path", "Full-Name"}

// addressFields are written anew by Sendmail.
var addressFields = []string{"From", "Sender", "Reply-To", "To", "Cc", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc"}

// headerWarnings lists what will happen to the header of a message that is signed.
// mta is the macro v: Postfix names itself in it, Sendmail does not send it.
func headerWarnings(fields *dkim.Fields, signedDropped []string, mta string) []string {
	if strings.HasPrefix(mta, "Postfix") {
		return nil
	}
	var all []string
	for _, name := range signedDropped {
		if fields.Count(name) > 0 {
			all = append(all, warnDropped)
			break
		}
	}
	respaced, unqualified := false, false
	for _, name := range addressFields {
		for i := range fields.FromBottom(name) {
			r, u := sendmailRewrites(fields.Value(i))
			respaced, unqualified = respaced || r, unqualified || u
		}
	}
	if respaced {
		all = append(all, warnRespaced)
	}
	if unqualified {
		all = append(all, warnUnqualified)
	}
	return all
}

// sendmailRewrites says whether Sendmail will change an address list beyond what
// relaxed canonicalization forgives: a comma without a blank behind it or with one
// before it, and an address without a domain.
func sendmailRewrites(value []byte) (respaced, unqualified bool) {
	var (
		quoted, angle bool
		comments      int
		text, domain  bool // of the address that is being read
		blank         bool // the octet before was one
	)
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '\\':
			i++
			text = true
		case comments > 0 && c == ')':
			comments--
		case c == '(' && !quoted:
			comments++
		case comments > 0:
		case c == '"':
			quoted, text = !quoted, true
		case quoted:
		case c == '<' || c == '>':
			angle, text = c == '<', true
		case c == '@':
			domain, text = true, true
		case c == ':' && !angle: // the name of a group is no address
			text, domain = false, false
		case (c == ',' || c == ';') && !angle:
			unqualified = unqualified || text && !domain
			next := i + 1
			respaced = respaced || c == ',' && (blank || next < len(value) && !isBlank(value[next]))
			text, domain = false, false
		case !isBlank(c):
			text = true
		}
		blank = isBlank(c)
	}
	return respaced, unqualified || text && !domain
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
