package receive

import (
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/faultydns"
)

// signedFor is a message of an author at domain, signed with the key that all good records have.
func signedFor(domain, selector string) []byte {
	return strangersKey.sign(letter("alice@"+domain), domain, selector)
}

// Each row is mail that is right; only DNS differs. Whatever it says, the message arrives.
func TestWhatDNSSaysOfTheKeyDecides(t *testing.T) {
	s := begin(t, setup{more: "[dns]\ntimeout = \"30s\""})
	for _, c := range []struct {
		name             string
		domain, selector string
		result, reason   string
	}{
		{"plain zone", "plain.test", "good", "pass", ""},
		{"signed zone", "signed.test", "good", "pass", ""},
		{"bogus zone", "bogus.test", "good", "temperror", "dns-error"},
		{"answer too long for UDP", "plain.test", "long", "pass", ""},
		{"CNAME over three zones", "plain.test", "chain", "pass", ""},
		{"CNAME in a signed zone", "signed.test", "chain", "pass", ""},
		{"CNAME loop", "plain.test", "loop", "temperror", "dns-error"},
		{"CNAME to nothing", "plain.test", "dangling", "permerror", "no-key"},
		{"NXDOMAIN", "plain.test", "unknown", "permerror", "no-key"},
		{"NXDOMAIN in a signed zone", "signed.test", "unknown", "permerror", "no-key"},
		{"NODATA", "plain.test", "host", "permerror", "no-key"},
		{"three TXT records, one right", "plain.test", "two", "pass", ""},
		{"revoked", "plain.test", "revoked", "permerror", "key-revoked"},
		{"prose", "plain.test", "prose", "permerror", "key-syntax"},
		{"wildcard", "plain.test", "any.wild", "pass", ""},
		{"SERVFAIL", "servfail.fault.test", "good", "temperror", "dns-error"},
		{"REFUSED", "refused.fault.test", "good", "temperror", "dns-error"},
		{"NXDOMAIN of another server", "missing.fault.test", "good", "permerror", "no-key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			ours := s.says(s.receive(signedFor(c.domain, c.selector)), verdict{c.result, c.reason, c.domain, c.selector})
			secure := c.domain == "signed.test" && c.result == "pass"
			if strings.Contains(ours.Text, "DNSSEC") != secure {
				t.Errorf("DNSSEC: want %t: %s", secure, ours.Text)
			}
		})
	}
}

func TestKeyOf4096BitsIsFetchedAndComputed(t *testing.T) {
	s := begin(t, setup{})
	ours := s.says(s.receive(largeKey.sign(letter("alice@plain.test"), "plain.test", "large")), passes("plain.test", "large"))
	if !strings.Contains(ours.Text, "(4096-bit key)") {
		t.Errorf("%s", ours.Text)
	}
}

// The faulty server is our resolver here, so that each fault comes as it is; a good resolver makes SERVFAIL of most.
func TestResolverThatFailsIsATemporaryErrorAndMailFlows(t *testing.T) {
	for fault, c := range map[string]struct{ reason, timeout string }{
		faultydns.ServFail: {"dns-error", "30s"}, faultydns.Refused: {"dns-error", "30s"}, faultydns.Truncated: {"dns-error", "30s"},
		faultydns.Garbage: {"dns-error", "30s"}, faultydns.Silent: {"dns-timeout", "1s"},
	} {
		t.Run(fault, func(t *testing.T) {
			s := begin(t, setup{more: fmt.Sprintf("[dns]\nnameservers = [%q]\ntimeout = %q", faultyAddress, c.timeout)})
			domain := fault + ".fault.test"
			s.says(s.receive(signedFor(domain, "k")), verdict{"temperror", c.reason, domain, "k"})
		})
	}
	s := begin(t, setup{more: fmt.Sprintf("[dns]\nnameservers = [%q]\ntimeout = \"30s\"", faultyAddress)})
	s.says(s.receive(signedFor("well.fault.test", "k")), passes("well.fault.test", "k"))
}

// While DNS is slow the MTA is told that the work goes on; Postfix takes that as well.
func TestSlowResolverIsWaitedFor(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.7.0.57:53")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	s := begin(t, setup{more: fmt.Sprintf("[dns]\nnameservers = [%q, \"127.7.0.57\"]\ntimeout = \"6s\"", faultyAddress)})
	domain := faultydns.Silent + ".fault.test"
	s.reported(s.receive(signedFor(domain, "k")), verdict{"temperror", "dns-timeout", domain, "k"})
}

// One server that does not answer costs time, no verdict, as long as there is another.
func TestSecondResolverIsAskedWhereTheFirstIsSilent(t *testing.T) {
	s := begin(t, setup{more: `[dns]` + "\n" + `nameservers = ["127.7.0.56", "127.7.0.53"]`}) // nobody is at the first
	s.says(s.receive(signedFor("signed.test", "good")), passes("signed.test", "good"))
}

func TestMailIsDeferredWhileTheResolverIsDeadAndPassesAfterwards(t *testing.T) {
	s := begin(t, setup{more: "[dns]\ntimeout = \"10s\"\n[verify]\ndns_error = \"tempfail\""})
	session := s.connect(mxAddress) // before smtpd, too, misses the resolver
	msg := signedFor("plain.test", "good")

	s.Must(unbound.Freeze())
	deferred, err := send(session, msg)
	s.Must(unbound.Thaw())
	refused(t, err, 451, "4.7.5")

	again, err := send(session, msg)
	s.Must(errors.Join(err, session.Quit()))
	s.says(s.delivered(again, msg), passes("plain.test", "good"))
	s.isNotDelivered(deferred)
	if all := s.daemon.Messages(); all[0].Decision != "deferred" || all[0].Reason != "temperror" {
		t.Errorf("the log says first: %s", all[0].Text)
	}
}

// refused checks that err is the MTA's refusal with this code and enhanced status code.
func refused(t *testing.T, err error, code int, enhanced string) {
	t.Helper()
	reply := (*textproto.Error)(nil)
	if !errors.As(err, &reply) || reply.Code != code || !strings.HasPrefix(reply.Msg, enhanced+" ") {
		t.Errorf("want %d %s, have %v", code, enhanced, err)
	}
}
