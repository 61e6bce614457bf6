// Package notify delivers notifications of the key life, which transitions leave in the
// outbox of the store: by mail through a server that takes it without a password, to a
// web hook, or to a program.
//
//	mail, err := notify.NewMail("127.0.0.1:25", "postseal@mx.example.net", []string{"dns@example.net"})
//	courier := notify.NewCourier(store, clock, log, notify.Channel{Name: "mail", Notifier: mail})
//	courier.Run(ctx)
package notify

import (
	"encoding/json"
	"strings"
	"unicode"

	"github.com/postseal/postseal/internal/domains"
)

// body is what hooks and programs get.
type body struct {
	ID       int64  `json:"id"` // the same when a delivery is repeated
	At       string `json:"at"` // RFC 3339
	Event    string `json:"event"`
	Domain   string `json:"domain,omitempty"`
	Selector string `json:"selector,omitempty"`
	Contact  string `json:"contact,omitempty"`
	Code     string `json:"code,omitempty"`
	Text     string `json:"text"`
}

func encode(n domains.Notice) []byte {
	// Strings and a number: it cannot fail.
	data, _ := json.Marshal(body{
		ID: n.ID, At: n.At.UTC().Format("2006-01-02T15:04:05Z07:00"), Event: string(n.Event), Domain: n.Domain, Selector: n.Selector,
		Contact: n.Contact, Code: n.Code, Text: clean(n.Text),
	})
	return append(data, '\n')
}

// clean takes control characters out of a text, part of which may come from DNS.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return ' '
		}
		return r
	}, text)
}
