package migrate

import (
	"bytes"
	"crypto"
	"strings"
	"sync"

	"github.com/emersion/go-msgauth/dkim"
)

// Macros that a MacroList names are those that an MTA sends of itself: OpenDKIM asks for the others by names without
// braces, which neither Postfix nor Sendmail knows.

// message is sent through both programs.
type message struct {
	name   string
	client string            // of the SMTP session
	macros map[string]string // of the MTA, beside the usual ones
	to     string
	raw    string // CRLF
}

// Clients. Which of them are internal depends on InternalHosts.
const (
	local    = "127.0.0.1"
	inside   = "192.0.2.5"
	excepted = "192.0.2.66"
	stranger = "198.51.100.9"
	peer     = "192.0.2.200"
)

var hosts = map[string]string{
	local: "localhost", inside: "mail.inside.test", excepted: "other.inside.test", stranger: "mx.stranger.test", peer: "peer.test",
}

// text is a message without much in its header: one of each field, as StrictHeaders wants it.
func text(from string, more ...string) string {
	fields := append([]string{"From: Someone <" + from + ">"}, more...)
	fields = append(fields, "To: list@in.test", "Subject: a  story", "Date: Sat, 21 Nov 2026 21:00:00 +0000")
	return strings.Join(fields, "\r\n") + "\r\n\r\nHello  there. \r\n\r\n\r\n"
}

// rich has folded fields, odd blanks, and those that some lists name.
var rich = strings.ReplaceAll(`Received: from a by b
from:   "Ada,
	the first" <Ada@A.test>
Reply-To: ada@a.test
Comments: as usual
X-Own: yes
To: a@in.test,
  b@in.test
Cc:c@in.test
Subject: =?utf-8?q?folded?=
 and  more`+"\t"+`
Date: Sat, 21 Nov 2026 21:00:00 +0000
Message-ID: <1@a.test>
MIME-Version: 1.0
Content-Type: text/plain
In-Reply-To: <0@a.test>
References: <0@a.test>
List-Id: <list.a.test>
List-Unsubscribe: <mailto:leave@a.test>

`+"Trailing blanks: \t \n tabs\tand  blanks\n\n.\n\n\n", "\n", "\r\n")

// messages are what each configuration is tried with; all sees the same ones.
var messages = sync.OnceValue(makeMessages)

func makeMessages() []message {
	ours := []message{
		{name: "ours", client: local, raw: text("ada@a.test")},
		{name: "rich", client: local, raw: rich},
		{name: "empty body", client: local, raw: strings.SplitAfter(text("ada@a.test"), "\r\n\r\n")[0]},
		{name: "below", client: local, raw: text("ada@sub.a.test")},
		{name: "far below", client: local, raw: text("eve@x.sub.a.test")},
		{name: "second", client: local, raw: text("bob@b.test")},
		{name: "nobody's", client: local, raw: text("eve@nowhere.test")},
		{name: "upper case", client: local, raw: text("ADA@A.TEST")},
		{name: "inside", client: inside, raw: text("ada@a.test")},
		{name: "excepted", client: excepted, raw: text("ada@a.test")},
		{name: "IPv6", client: "2001:db8::7", raw: text("ada@a.test")},
		{name: "peer", client: peer, raw: text("ada@a.test")},
		{name: "stranger as us", client: stranger, raw: text("ada@a.test")},
		{name: "user", client: stranger, raw: text("ada@a.test"), macros: map[string]string{"{auth_type}": "PLAIN", "{auth_authen}": "ada"}},
		{name: "submission", client: stranger, raw: text("ada@a.test"), macros: map[string]string{"{daemon_name}": "ORIGINATING"}},
		{name: "other daemon", client: stranger, raw: text("ada@a.test"), macros: map[string]string{"{daemon_name}": "originating"}},
		{name: "macro", client: stranger, raw: text("ada@a.test"), macros: map[string]string{"{mail_host}": "out.test"}},
		{name: "macro no", client: stranger, raw: text("ada@a.test"), macros: map[string]string{"{mail_host}": "else.test"}},
		{name: "other macro", client: stranger, raw: text("ada@a.test"), macros: map[string]string{"{auth_author}": "ada"}},
		{name: "not to be signed", client: local, to: "LIST@dont.test", raw: text("ada@a.test")},
		{name: "exempt", client: local, raw: text("ada@exempt.test")},
		{name: "sender field", client: local, raw: text("eve@nowhere.test", "Sender: bob@b.test")},
		{name: "two authors", client: local, raw: strings.Replace(text("ada@a.test"), "\r\nTo:", ", bob@b.test\r\nTo:", 1)},
		{name: "two From fields", client: local, raw: text("ada@a.test", "From: bob@b.test")},
		{name: "two To fields", client: local, raw: text("ada@a.test", "To: second@in.test")},
	}
	return append(ours, incoming()...)
}

// incoming are messages of a stranger.
func incoming() []message {
	good := text("x@stranger.test")
	signed := sign("c", "c", good)
	list := []message{
		{name: "unsigned", raw: good},
		{name: "good", raw: signed},
		{name: "changed", raw: strings.Replace(signed, "Hello", "Hullo", 1)},
		{name: "no key", raw: sign("c", "none", good)},
		{name: "revoked", raw: sign("c", "revoked", good)},
		{name: "testing", raw: strings.Replace(sign("c", "testing", good), "Hello", "Hullo", 1)},
		{name: "small key", raw: sign("small", "small", good)},
		{name: "two, one good", raw: sign("c", "c", strings.Replace(signed, "Hello", "Hullo", 1))},
		{name: "four", raw: sign("c", "c", sign("c", "c", sign("c", "c", signed)))},
		{name: "exempt author", raw: text("x@stranger.exempt.test")},
		{name: "no From", raw: strings.Replace(good, "From:", "X-From:", 1)},
		{name: "broken signature", raw: strings.Replace(signed, "v=1;", "v=1;;=;", 1)},
		{name: "forged", raw: "Authentication-Results: mx.lab.test; dkim=pass header.d=bank.test\r\n" +
			"Authentication-Results: mx.lab.test; spf=pass smtp.mailfrom=x\r\n" +
			"Authentication-Results: other.test; dkim=pass header.d=bank.test\r\n" +
			"Authentication-Results: results.test; dkim=pass header.d=bank.test\r\n" + signed},
		{name: "good, two To fields", raw: sign("c", "c", text("x@stranger.test", "To: second@in.test"))},
		{name: "good, not to be signed", raw: signed, to: "list@dont.test"},
	}
	for i := range list {
		list[i].client = stranger
	}
	return list
}

// sign has go-msgauth sign a message for the stranger.
func sign(key, selector, msg string) string {
	var signed bytes.Buffer
	err := dkim.Sign(&signed, strings.NewReader(msg), &dkim.SignOptions{
		Domain: "stranger.test", Selector: selector, Signer: keys[key], Hash: crypto.SHA256,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		HeaderKeys: []string{"From", "To", "Subject", "Date"},
	})
	if err != nil {
		panic(err) // our own message and key
	}
	return signed.String()
}
