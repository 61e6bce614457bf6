package sendmail

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/dkimpy"
	"github.com/postseal/postseal/test/internal/reader"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
)

// results is the name of our field; authservID is Sendmail's {j}.
const (
	results    = "Authentication-Results"
	authservID = sandbox.Hostname
)

// signedByStranger is m with a signature of out.test.
func (s *story) signedByStranger(m mail) mail {
	s.Helper()
	var err error
	m.data, err = dkimpy.Sign(m.data, "out.test", "r1", keyFile("r1"))
	s.Must(err)
	return m
}

// altered is m with another body than its signature knows.
func (m mail) altered() mail {
	m.data = changed(m.data, "\r\n\r\n")
	return m
}

// reports checks that d has one field of ours, above all others, with this verdict, and that the log and explain agree.
func (s *story) reports(d delivery, verdict string) {
	s.Helper()
	all, err := reader.Read(d.Data)
	s.Must(err)
	var ours []reader.Field
	for _, f := range all {
		if strings.EqualFold(f.ID, authservID) {
			ours = append(ours, f)
		}
	}
	if len(ours) != 1 || len(ours[0].Results) != 1 || ours[0].Results[0].Result != verdict {
		s.Errorf("want dkim=%s, the message has %+v", verdict, ours)
	}
	if top := sink.Fields(d.Data); !strings.HasPrefix(top[0], results+": "+authservID+";") || !strings.HasPrefix(top[1], "Received: ") {
		s.Errorf("the message begins with\n%s%s", top[0], top[1])
	}
	s.agree(d, daemonName, "verified", "")
	if d.line.Reason != verdict || d.line.Client != sandbox.ClientIPv4 {
		s.Errorf("want reason=%s client=%s, the log says %s", verdict, sandbox.ClientIPv4, d.line.Text)
	}
}

func TestIncomingMailIsVerifiedAndNotSigned(t *testing.T) {
	s := begin(t, setup{})
	session := s.connect(mxAddress)
	good := s.signedByStranger(letter("bob@out.test"))
	for _, c := range []struct {
		name    string
		mail    mail
		verdict string
	}{
		{"signed", good, "pass"},
		{"altered", s.signedByStranger(letter("bob@out.test")).altered(), "fail"},
		{"unsigned, in our name", letter("alice@lab.test"), "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			d := s.send(session, c.mail)
			s.reports(d, c.verdict)
			if have, want := len(sink.Values(d.Data, "DKIM-Signature")), len(sink.Values(c.mail.data, "DKIM-Signature")); have != want {
				t.Errorf("%d signatures, want %d", have, want)
			}
		})
	}
	s.Must(session.Quit())
}

// claims are fields that a reader could take for ours, others are those of other people.
var (
	claims = []string{
		"Authentication-Results: mx.lab.test; dkim=pass header.d=bank.test\r\n",
		"authentication-results: MX.Lab.TEST; dkim=pass header.d=bank.test\r\n",
		"Authentication-Results:\r\n\t(really) mx.lab.test\r\n\t1;\r\n\tdkim=pass header.d=bank.test\r\n",
		"Authentication-Results:mx.lab.test;none\r\n",
		"AUTHENTICATION-RESULTS: mx.lab.test; dkim=\r\n",
	}
	others = []string{
		"Authentication-Results: mx.other.test; dkim=pass header.d=bank.test\r\n",
		"Authentication-Results:  notmx.lab.test ;\r\n\tspf=pass  smtp.mailfrom=a@b.test\r\n",
		"X-Authentication-Results: mx.lab.test; dkim=pass\r\n",
	}
)

// withForgeries has claims and others above, between and below the fields of a message.
func withForgeries(author string) mail {
	m := letter(author)
	header, body, _ := strings.Cut(string(m.data), "\r\n\r\n")
	between := strings.SplitAfter(header+"\r\n", "\r\n")
	var b strings.Builder
	for i := range max(len(claims), len(between)) {
		for _, list := range [][]string{claims, others, between} {
			if i < len(list) {
				b.WriteString(list[i])
			}
		}
	}
	m.data = []byte(b.String() + "\r\n" + body)
	return m
}

// isClean checks that of all that withForgeries wrote the others' fields alone are left, as they were and in their order.
func (s *story) isClean(d delivery, ours int) {
	s.Helper()
	var left []string
	for _, f := range sink.Fields(d.Data)[ours:] {
		if name, _, _ := strings.Cut(f, ":"); strings.HasSuffix(strings.ToLower(name), strings.ToLower(results)) {
			left = append(left, f)
		}
	}
	if !slices.Equal(left, others) {
		s.Errorf("left:\n%q\nwant\n%q", left, others)
	}
}

// Deletions are numbered from the last one up, as Sendmail counts them.
func TestForgedResultsAreRemovedAndOthersStay(t *testing.T) {
	s := begin(t, setup{})
	session := s.connect(mxAddress)
	incoming := s.send(session, withForgeries("bob@out.test"))
	s.Must(session.Quit())
	s.isClean(incoming, 1)
	s.reports(incoming, "none")

	session = s.connect(localAddress)
	ours := s.send(session, withForgeries("alice@lab.test"))
	alone := s.send(session, withForgeries("someone@keyless.test"))
	s.Must(session.Quit())
	s.isClean(ours, 0)
	s.isSigned(ours, daemonName)
	s.isClean(alone, 0)
	s.isLeftAlone(alone, daemonName, "no-key")
}

func TestBadMailIsRefusedWithTheCodeOfItsFault(t *testing.T) {
	s := begin(t, setup{more: `
[verify]
bad_signature = "reject"
no_signature = "tempfail"
key_not_found = "discard"

[[verify.domain]]
domain = "bank.test"
no_aligned_pass = "reject"
`})
	session := s.connect(mxAddress)
	for _, c := range []struct {
		name, reply, decision string
		mail                  mail
	}{
		{"broken signature", "550 5.7.20 ", "rejected", s.signedByStranger(letter("bob@out.test")).altered()},
		{"unsigned", "451 4.7.5 ", "deferred", letter("bob@out.test")},
		{"author's domain did not sign", "550 5.7.22 ", "rejected", s.signedByStranger(letter("ceo@bank.test"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			before := len(s.daemon.Messages())
			s.refused(s.offer(session, c.mail), c.reply)
			if told := s.daemon.Messages()[before:]; len(told) != 1 || told[0].Decision != c.decision {
				t.Errorf("want decision=%s, the log says %+v", c.decision, told)
			}
			s.balances(nil, []mail{c.mail})
		})
	}
	s.reports(s.send(session, s.signedByStranger(letter("bob@out.test"))), "pass") // in the same session
	s.Must(session.Quit())
}

func TestQuarantinedMailWaitsInTheQueueWithItsVerdict(t *testing.T) {
	s := begin(t, setup{more: "[verify]\nno_signature = \"quarantine\"\n"})
	m := letter("bob@out.test")
	session := s.connect(mxAddress)
	s.Must(s.offer(session, m))
	s.Must(session.Quit())
	held, err := mta.Quarantined()
	s.Must(err)
	if len(held) != 1 {
		t.Fatalf("held: %v", held)
	}
	if l, err := s.daemon.Message(filepath.Base(held[0])); err != nil || l.Decision != "quarantined" {
		t.Errorf("the log says %s, %v", l.Text, err)
	}
	s.Must(mta.Release(held[0]))
	d := s.arrived(m)
	if all := sink.Values(d.Data, results); len(all) != 1 {
		t.Errorf("%q", all)
	}
}
