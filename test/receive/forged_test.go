package receive

import (
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/judge"
	"github.com/postseal/postseal/test/internal/sink"
)

// claims are fields that a reader could take for ours; the sixth has no id at all.
var claims = []string{
	"Authentication-Results: mx.lab.test; dkim=pass header.d=bank.test\r\n",
	"authentication-results: MX.Lab.TEST; dkim=pass header.d=bank.test\r\n",
	"Authentication-Results: mx.lab.test 1; dkim=pass header.d=bank.test\r\n",
	"Authentication-Results: \"mx.lab.test\"; dkim=pass header.d=bank.test\r\n",
	"Authentication-Results: (really) mx.lab.test (us) 1 (yes); spf=pass smtp.mailfrom=bank.test\r\n",
	"Authentication-Results:\r\n\tmx.lab.test\r\n\t;\r\n\tdkim=pass header.d=bank.test\r\n",
	"Authentication-Results: \"mx\\.lab.test\"; dmarc=pass header.from=bank.test\r\n",
	"Authentication-Results : mx.lab.test; dkim=pass header.d=bank.test\r\n",
	"Authentication-Results:mx.lab.test;none\r\n",
	"Authentication-Results: mx.lab.test. ; dkim=pass header.d=bank.test\r\n",
	"Authentication-Results: mx.lab.test dkim=pass header.d=bank.test\r\n",
	"AUTHENTICATION-RESULTS: mx.lab.test; dkim=\r\n",
}

// others are fields of other people, or of another name; not a byte of them is ours to change.
var others = []string{
	"Authentication-Results: mx.other.test; dkim=pass header.d=bank.test\r\n",
	"Authentication-Results:  notmx.lab.test ;\r\n\tspf=pass  smtp.mailfrom=a@b.test\r\n",
	"Authentication-Results: mx.lab.test.evil.test; dkim=pass\r\n",
	"X-Authentication-Results: mx.lab.test; dkim=pass\r\n",
	"ARC-Authentication-Results: i=1; mx.lab.test; dkim=pass\r\n",
}

// withForgeries has forged and others' fields above, between and below the fields of a message.
func withForgeries(from string) []byte {
	header, body, _ := strings.Cut(string(letter(from)), "\r\n\r\n")
	between := strings.SplitAfter(header+"\r\n", "\r\n")
	var b strings.Builder
	for i := range max(len(claims), len(others), len(between)) {
		for _, list := range [][]string{claims, others, between} {
			if i < len(list) {
				b.WriteString(list[i])
			}
		}
	}
	return []byte(b.String() + "\r\n" + body)
}

// isClean checks that of all that withForgeries wrote the others' fields alone are left, as they were and in their order.
func (s *story) isClean(d delivery, ours int) {
	s.Helper()
	var left []string
	for _, f := range sink.Fields(d.Data)[ours:] {
		if name, _, _ := strings.Cut(f, ":"); strings.HasSuffix(strings.ToLower(strings.TrimSpace(name)), "authentication-results") {
			left = append(left, f)
		}
	}
	if !slices.Equal(left, others) {
		s.Errorf("left:\n%q\nwant\n%q", left, others)
	}
}

func TestForgedResultsInIncomingMailAreRemovedAndOthersStay(t *testing.T) {
	for _, mode := range []string{"verify", "both"} {
		t.Run(mode, func(t *testing.T) {
			s := begin(t, setup{listeners: []listener{{milter, mode}}})
			unsignedMail := s.receive(withForgeries("alice@bank.test"))
			s.onTop(unsignedMail)
			s.isClean(unsignedMail, 1)
			s.says(unsignedMail, unsigned)

			signedMail := s.receive(strangersKey.sign(withForgeries("alice@bank.test"), "bank.test", "good"))
			s.isClean(signedMail, 1)
			s.says(signedMail, passes("bank.test", "good"))
		})
	}
}

func TestForgedResultsInSubmittedMailAreRemovedToo(t *testing.T) {
	for _, c := range []struct {
		name, from string
		signatures int
	}{
		{"signed", "alice@lab.test", 1},
		{"left alone", "alice@plain.test", 0},
	} {
		for _, mode := range []string{"sign", "both"} {
			t.Run(c.name+" in mode "+mode, func(t *testing.T) {
				s := begin(t, setup{listeners: []listener{{milter, mode}}})
				d := s.submit(mxAddress, withForgeries(c.from))
				s.isClean(d, 0)
				s.isSigned(d, c.signatures)
			})
		}
	}
}

func TestForgedResultsInMailOfSendmailCommandAreRemovedToo(t *testing.T) {
	s := begin(t, setup{listeners: []listener{{milter, "both"}}})
	ticket := newTicket()
	msg := withForgeries("alice@lab.test")
	s.Must(mta.Sendmail(0, string(ticket), []string{"reader@in.test"}, []byte(strings.ReplaceAll(string(msg), "\r\n", "\n"))))
	d := s.delivered(ticket, msg)
	s.isClean(d, 0)
	s.isSigned(d, 1)
}

// isSigned checks that d has so many signatures, which dkimpy accepts.
func (s *story) isSigned(d delivery, signatures int) {
	s.Helper()
	verdicts, err := judge.DKIMPy(d.Data)
	s.Must(err)
	if len(verdicts) != signatures {
		s.Errorf("%d signatures, want %d", len(verdicts), signatures)
	}
	for _, v := range verdicts {
		if !v.Pass {
			s.Errorf("dkimpy: %v", v)
		}
	}
}
