package policy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/mailaddr"
)

// maxAuthors bounds how many addresses of a sender field are looked at.
const maxAuthors = 1000

// noSender says why a message has no sender to sign for.
type noSender struct {
	reason Reason
	detail string
}

// sender finds the address whose domain signs (T-From in docs/reasons.md): the
// first of sender_headers that is present, and in it the author. A message
// without From or with several is never signed (RFC 6376 3.8).
func (s *Snapshot) sender(fields *dkim.Fields) (mailaddr.Address, *noSender) {
	switch n := fields.Count("From"); {
	case n == 0:
		return mailaddr.Address{}, &noSender{NoFrom, "the message has no From field"}
	case n > 1:
		return mailaddr.Address{}, &noSender{SeveralFrom, fmt.Sprintf("the message has %d From fields", n)}
	}
	for _, name := range s.SenderHeaders {
		if value, ok := firstField(fields, name); ok {
			return s.author(name, value, fields)
		}
	}
	return mailaddr.Address{}, &noSender{NoFrom, "none of sender_headers is present: " + strings.Join(s.SenderHeaders, ", ")}
}

// author picks one address of a sender field. Where authors of several domains
// share it, the Sender field names the one who sent (RFC 5322 3.6.2).
func (s *Snapshot) author(name string, value []byte, fields *dkim.Fields) (mailaddr.Address, *noSender) {
	list, err := mailaddr.ParseList(value, maxAuthors)
	if err != nil {
		return mailaddr.Address{}, &noSender{FromSyntax, name + ": " + err.Error()}
	}
	if len(list.Mailboxes) == 0 {
		return mailaddr.Address{}, &noSender{FromSyntax, name + ": no address in it"}
	}
	first := list.Mailboxes[0]
	if s.FirstAuthor || oneDomain(list.Mailboxes) {
		return first, nil
	}
	several := &noSender{SeveralAuthors, name + " names authors of several domains, and no Sender field tells who sent it"}
	if strings.EqualFold(name, "Sender") || fields.Count("Sender") != 1 {
		return mailaddr.Address{}, several
	}
	value, _ = firstField(fields, "Sender")
	list, err = mailaddr.ParseList(value, maxAuthors)
	if err != nil || !oneDomain(list.Mailboxes) {
		return mailaddr.Address{}, several
	}
	return list.Mailboxes[0], nil
}

// authors reads everybody whom a message claims to be from. Unlike the sender, whom
// we sign for, this is what readers are shown: all From fields and nothing else.
func authors(fields *dkim.Fields) ([]mailaddr.Address, error) {
	var all []mailaddr.Address
	for i := range fields.FromBottom("From") {
		list, err := mailaddr.ParseList(fields.Value(i), maxAuthors)
		if err != nil {
			return nil, err
		}
		all = append(all, list.Mailboxes...)
	}
	if len(all) == 0 {
		return nil, errors.New("no address in From")
	}
	return all, nil
}

// rawFrom is the text of all From fields, for those that cannot be parsed: in lower
// case and without blanks.
func rawFrom(fields *dkim.Fields) string {
	var b strings.Builder
	for i := range fields.FromBottom("From") {
		b.WriteString(strings.ToLower(strings.Join(strings.Fields(string(fields.Value(i))), "")))
		b.WriteByte('\n')
	}
	return b.String()
}

// oneDomain says whether all of at least one address share a domain.
func oneDomain(list []mailaddr.Address) bool {
	for _, a := range list {
		if a.Domain != list[0].Domain {
			return false
		}
	}
	return len(list) > 0
}

// firstField gives the value of the topmost field of that name.
func firstField(fields *dkim.Fields, name string) (value []byte, ok bool) {
	for i := range fields.FromBottom(name) {
		value, ok = fields.Value(i), true
	}
	return value, ok
}
