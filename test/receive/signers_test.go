package receive

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/postseal/postseal/test/internal/dkimpy"
)

// signer is somebody who signs for lab.test with a selector of his own.
type signer struct {
	name string // also the selector
	sign func(s *story, msg []byte) []byte
}

// signers are other people's programs, and ours. Milters sign what a user submits through Postfix.
var signers = []signer{
	{"dkimpy", func(s *story, msg []byte) []byte {
		signed, err := dkimpy.Sign(msg, "lab.test", "dkimpy", labKeyFile())
		s.Must(err)
		return signed
	}},
	{"opendkim", signedThrough(openDKIMAddress)},
	{"rspamd", signedThrough(rspamdAddress)},
	{"postseal", signedThrough(signingAddress)},
}

// signedThrough submits a message at an address of Postfix, and takes it as it leaves.
func signedThrough(address string) func(*story, []byte) []byte {
	return func(s *story, msg []byte) []byte { return s.submit(address, msg).Data }
}

var bothWays = []listener{{milter, "verify"}, {secondMilter, "sign"}}

func TestMailSignedByOthersPassesUnchangedAndFailsAltered(t *testing.T) {
	s := begin(t, setup{listeners: bothWays})
	for _, by := range signers {
		t.Run(by.name, func(t *testing.T) {
			s := s.in(t)
			msg := by.sign(s, letter("alice@lab.test"))
			signatures := named(msg, "DKIM-Signature")
			if len(signatures) != 1 {
				t.Fatalf("%d signatures:\n%s", len(signatures), msg)
			}
			s.says(s.receive(msg), passes("lab.test", by.name))

			for _, c := range []struct {
				name    string
				altered []byte
				want    verdict
			}{
				{"body", replaced(msg, "all is well", "all is hell"), verdict{"fail", "body-hash", "lab.test", by.name}},
				{"subject", replaced(msg, "A letter", "A fetter"), verdict{"fail", "signature", "lab.test", by.name}},
				{"second From", added(msg, "From: ceo@bank.test"), second("From", "multiple-from", signatures[0], by.name)},
				{"second Subject", added(msg, "Subject: Pay now"), second("Subject", "duplicate-field", signatures[0], by.name)},
			} {
				t.Run(c.name, func(t *testing.T) {
					s := s.in(t)
					s.says(s.receive(c.altered), c.want)
				})
			}
		})
	}
}

// second is the verdict on a message that has got a second field of a name: a signature that covers one more than there were
// is broken; another one still verifies, and a rule of ours refuses it (ruling 45).
func second(name, rule, signature, selector string) verdict {
	if covers(signature, name) > 1 {
		return verdict{"fail", "signature", "lab.test", selector}
	}
	return verdict{"policy", rule, "lab.test", selector}
}

func TestUnsignedMailIsReportedAsNone(t *testing.T) {
	s := begin(t, setup{})
	s.says(s.receive(letter("bob@plain.test")), unsigned)
}

func TestUnsignedMailGetsNoFieldWhereNoneIsWanted(t *testing.T) {
	s := begin(t, setup{more: "[verify]\nreport_unsigned = false"})
	d := s.receive(letter("bob@plain.test"))
	if have := named(d.Data, "Authentication-Results"); len(have) != 0 {
		t.Errorf("have %q", have)
	}
	s.logged(d, unsigned)
}

func TestEverySignatureGetsAResultOfItsOwn(t *testing.T) {
	s := begin(t, setup{})
	msg := otherKey.sign(letter("alice@plain.test"), "plain.test", "good") // not the key that is published
	msg = strangersKey.sign(msg, "signed.test", "good")
	s.says(s.receive(msg), passes("signed.test", "good"), verdict{"fail", "signature", "plain.test", "good"})
}

// in is the story seen by a subtest.
func (s *story) in(t *testing.T) *story {
	sub := *s
	sub.T = t
	return &sub
}

// replaced changes a text that msg has once.
func replaced(msg []byte, before, after string) []byte {
	if bytes.Count(msg, []byte(before)) != 1 {
		panic(fmt.Sprintf("%q is not once in the message", before))
	}
	return bytes.Replace(msg, []byte(before), []byte(after), 1)
}

// added puts a field on top of msg.
func added(msg []byte, field string) []byte { return append([]byte(field+"\r\n"), msg...) }
