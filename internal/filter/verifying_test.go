package filter

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/miltertest"
	"github.com/postseal/postseal/verifier"
)

// records answers from a map; a nil answer is a failure of DNS.
type records map[string][]string

func (r records) LookupTXT(_ context.Context, name string) (verifier.Answer, error) {
	txt, known := r[name]
	switch {
	case !known:
		return verifier.Answer{}, verifier.ErrNotFound
	case txt == nil:
		return verifier.Answer{}, errors.New("SERVFAIL")
	}
	return verifier.Answer{TXT: txt}, nil
}

// receiver is a world whose MTA takes mail from outside, with a message that its
// own key signed and the record of that key in DNS.
func receiver(t *testing.T) (w *world, mta *miltertest.MTA, signedMail string) {
	t.Helper()
	w = newWorldFor(t, policy.SignAndVerify)
	w.snapshot.Verifying.Verifier = verifier.New(records{
		"s._domainkey.example.com": {w.record}, "broken._domainkey.example.com": nil, "revoked._domainkey.example.com": {"v=DKIM1; p="},
	}, verifier.Options{})
	signedMail = string(deliver(t, w.dial(t), plain).Delivered)
	mta = w.dial(t)
	mta.Client = miltertest.Client{Host: "[192.0.2.1]", Family: milter.FamilyIPv4, Port: 1, Addr: "192.0.2.1"}
	return w, mta, signedMail
}

// authresOf gives the Authentication-Results fields of a message, unfolded.
func authresOf(message []byte) (all []string) {
	header, _, _ := strings.Cut(string(message), "\r\n\r\n")
	for line := range strings.SplitSeq(strings.ReplaceAll(header, "\r\n\t", " "), "\r\n") {
		if value, ok := strings.CutPrefix(line, "Authentication-Results:"); ok {
			all = append(all, strings.TrimSpace(value))
		}
	}
	return all
}

func TestVerdictsAreReported(t *testing.T) {
	w, mta, good := receiver(t)
	for name, c := range map[string]struct{ raw, want, reason string }{
		"unsigned":  {plain, "mx.example.net; dkim=none", "none"},
		"good":      {good, "dkim=pass", "pass"},
		"changed":   {strings.Replace(good, "Hello", "Hallo", 1), "reason=body-hash", "fail"},
		"no key":    {strings.Replace(good, "s=s;", "s=gone;", 1), `dkim=permerror reason="no-key"`, "permerror"},
		"revoked":   {strings.Replace(good, "s=s;", "s=revoked;", 1), `dkim=permerror reason="key-revoked"`, "permerror"},
		"no answer": {strings.Replace(good, "s=s;", "s=broken;", 1), `dkim=temperror reason="dns-error"`, "temperror"},
		"nonsense":  {"DKIM-Signature: nonsense\r\n" + plain, "dkim=neutral", "neutral"},
		"both":      {"DKIM-Signature: v=1; a=rsa-sha1; bh=x\r\n" + good, "dkim=pass", "pass"},
	} {
		t.Run(name, func(t *testing.T) {
			result := deliver(t, mta, c.raw)
			fields := authresOf(result.Delivered)
			if len(fields) != 1 || !containsLoose(fields[0], c.want) {
				t.Errorf("Authentication-Results %q, want %q", fields, c.want)
			}
			if !strings.HasPrefix(string(result.Delivered), "Authentication-Results:") {
				t.Error("it does not stand at the very top")
			}
			lines := w.log.lines(t)
			if line := lines[len(lines)-1]; line["decision"] != "verified" || line["reason"] != c.reason {
				t.Errorf("logged %v", line)
			}
		})
	}
}

// containsLoose compares without quotes, which the writer uses where it must.
func containsLoose(s, part string) bool {
	plain := func(s string) string { return strings.ReplaceAll(s, `"`, "") }
	return strings.Contains(plain(s), plain(part))
}

func TestPropertiesOfAPass(t *testing.T) {
	_, mta, good := receiver(t)
	field := authresOf(deliver(t, mta, good).Delivered)[0]
	for _, want := range []string{"header.d=example.com", "header.i=@example.com", "header.a=ed25519-sha256", "header.s=s", "header.b="} {
		if !strings.Contains(field, want) {
			t.Errorf("no %s in %s", want, field)
		}
	}
}

// Nobody else writes in our name, and what others say in theirs stays: in mail
// from outside, in mail that we sign, and in mail that we leave alone.
func TestForgedResultsGo(t *testing.T) {
	const forged = "Authentication-Results: mx.example.net; dkim=pass header.d=bank.example\r\n" +
		"Authentication-Results: other.example.org; dkim=pass header.d=kept.example\r\n" +
		"Authentication-Results: \"MX.example.net\" 1; spf=pass\r\n" +
		"X-Between: 1\r\n" +
		"authentication-results: (comment) mx.example.net\r\n\t;dkim=pass\r\n"
	w, outside, good := receiver(t)
	local := w.dial(t)
	for name, c := range map[string]struct {
		mta  *miltertest.MTA
		raw  string
		ours int
	}{
		"from outside, unsigned":  {outside, forged + plain, 1},
		"from outside, signed":    {outside, forged + good, 1},
		"submitted and signed":    {local, forged + plain, 0},
		"submitted without a key": {local, forged + "From: a@nobody.example\r\n\r\nHello\r\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			delivered := string(deliver(t, c.mta, c.raw).Delivered)
			if strings.Contains(delivered, "bank.example") || strings.Contains(delivered, "spf=pass") || strings.Contains(delivered, "(comment)") {
				t.Errorf("a forged field is left in\n%s", delivered)
			}
			if !strings.Contains(delivered, "other.example.org; dkim=pass header.d=kept.example") || !strings.Contains(delivered, "X-Between: 1") {
				t.Errorf("another's field is gone from\n%s", delivered)
			}
			if got := strings.Count(delivered, "mx.example.net"); got != c.ours {
				t.Errorf("%d fields of ours, want %d, in\n%s", got, c.ours, delivered)
			}
		})
	}
}

func TestActions(t *testing.T) {
	for name, c := range map[string]struct {
		set      func(*policy.Verification)
		change   func(good string) string
		smtp     int
		text     string
		decision string
	}{
		"bad signature, reject": {
			func(v *policy.Verification) { v.Actions[policy.BadSignature] = policy.RejectMail },
			func(good string) string { return strings.Replace(good, "Hello", "Hallo", 1) },
			550, "5.7.20", "rejected",
		},
		"no signature, reject": {
			func(v *policy.Verification) { v.Actions[policy.NoSignature] = policy.RejectMail },
			func(string) string { return plain },
			550, "5.7.20", "rejected",
		},
		"dns error, tempfail": {
			func(v *policy.Verification) { v.Actions[policy.DNSError] = policy.TempfailMail },
			func(good string) string { return strings.Replace(good, "s=s;", "s=broken;", 1) },
			451, "4.7.5", "deferred",
		},
		"no pass of the author's domain, reject": {
			func(v *policy.Verification) {
				own := v.Actions
				own[policy.NoAlignedPass] = policy.RejectMail
				v.Domains = map[string]policy.Actions{"bank.example": own}
			},
			func(string) string { return strings.Replace(plain, "a@example.com", "ceo@bank.example", 1) },
			550, "5.7.22", "rejected",
		},
		"discard": {
			func(v *policy.Verification) { v.Actions[policy.KeyNotFound] = policy.DiscardMail },
			func(good string) string { return strings.Replace(good, "s=s;", "s=gone;", 1) },
			0, "", "discarded",
		},
		"quarantine": {
			func(v *policy.Verification) { v.Actions[policy.Malformed] = policy.QuarantineMail },
			func(string) string { return "DKIM-Signature: nonsense\r\n" + plain },
			0, "", "quarantined",
		},
		"a good one passes all of these": {
			func(v *policy.Verification) {
				for s := range v.Actions {
					v.Actions[s] = policy.RejectMail
				}
				v.Actions[policy.NoAlignedPass] = policy.AcceptMail
			},
			func(good string) string { return good },
			0, "", "verified",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, mta, good := receiver(t)
			c.set(&w.snapshot.Verifying.Rules)
			result := deliver(t, mta, c.change(good))
			if result.Reply.SMTP != c.smtp || !strings.Contains(result.Reply.Text, c.text) {
				t.Errorf("answered %v", result.Reply)
			}
			if c.decision == "discarded" && result.Reply.Code != 'd' {
				t.Errorf("answered %v", result.Reply)
			}
			quarantined := false
			for _, m := range result.Modifications {
				quarantined = quarantined || m.Kind == 'q'
			}
			if quarantined != (c.decision == "quarantined") {
				t.Errorf("modifications %v", result.Modifications)
			}
			lines := w.log.lines(t)
			if line := lines[len(lines)-1]; line["decision"] != c.decision {
				t.Errorf("logged %v", line)
			}
		})
	}
}

// What is over a limit is not verified, and said so; nobody profits from it.
func TestVerifyOverLimit(t *testing.T) {
	w, mta, good := receiver(t)
	w.snapshot.Limits.HeaderFields = 20
	forged := "Authentication-Results: mx.example.net; dkim=pass header.d=bank.example\r\n"
	for name, raw := range map[string]string{
		"too many fields":   strings.Repeat("X: y\r\n", 25) + forged + good,
		"too large a field": forged + "X: " + strings.Repeat("y", 120_000) + "\r\n" + good,
	} {
		t.Run(name, func(t *testing.T) {
			fields := authresOf(deliver(t, mta, raw).Delivered)
			if len(fields) != 1 || !containsLoose(fields[0], "mx.example.net; dkim=policy reason=limit") {
				t.Errorf("Authentication-Results %q", fields)
			}
		})
	}
}

// A fault of ours gives temperror, and a forged pass does not slip through.
func TestPanicWhileVerifying(t *testing.T) {
	w, mta, good := receiver(t)
	w.snapshot.Verifying.Verifier = nil
	fields := authresOf(deliver(t, mta, "Authentication-Results: mx.example.net; dkim=pass\r\n"+good).Delivered)
	if len(fields) != 1 || !containsLoose(fields[0], "dkim=temperror reason=internal-error") {
		t.Errorf("Authentication-Results %q", fields)
	}
	lines := w.log.lines(t)
	if line := lines[len(lines)-1]; line["decision"] != "verified" || line["reason"] != "temperror" {
		t.Errorf("logged %v", line)
	}
	w.snapshot.Verifying.Rules.Actions[policy.VerifierFault] = policy.TempfailMail
	if reply := deliver(t, mta, good).Reply; reply.SMTP != 451 {
		t.Errorf("answered %v", reply)
	}
}

// After a fault at CONNECT the mail of the connection is not signed, and nobody
// profits.
func TestPanicAtConnect(t *testing.T) {
	w, _, good := receiver(t)
	whole := w.snapshot
	broken := *whole
	broken.Snapshot = nil // a nil pointer at CONNECT
	w.snapshot = &broken
	mta, err := miltertest.Dial("unix", w.address)
	if err != nil {
		t.Fatal(err)
	}
	defer mta.Close()
	offer := miltertest.PostfixOffer
	offer.Steps &^= milter.StepNoReplyConnect // so that the panic is over when Connect returns
	if _, err := mta.Negotiate(offer); err != nil {
		t.Fatal(err)
	}
	if _, err := mta.Connect(miltertest.Client{Host: "localhost", Family: milter.FamilyIPv4, Port: 1, Addr: "127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	w.snapshot = whole
	forged := "Authentication-Results: mx.example.net; dkim=pass header.d=bank.example\r\n"
	for range 2 {
		delivered := string(sendOn(t, mta, forged+good))
		if strings.Contains(delivered, "bank.example") || strings.Count(delivered, "DKIM-Signature:") != 1 {
			t.Errorf("delivered\n%s", delivered)
		}
		lines := w.log.lines(t)
		if line := lines[len(lines)-1]; line["decision"] != "unsigned" || line["reason"] != "internal-error" {
			t.Errorf("logged %v", line)
		}
	}
}

// The rules for an author hold however From is dressed up, and whoever signs
// beside it.
func TestAuthorsCannotHide(t *testing.T) {
	for name, header := range map[string]string{
		"plain":                   "From: ceo@bank.example\r\n",
		"second of two addresses": "From: x@evil.example, ceo@bank.example\r\n",
		"first of two, Sender":    "From: ceo@bank.example, x@evil.example\r\nSender: x@evil.example\r\n",
		"second From field":       "From: x@evil.example\r\nFrom: ceo@bank.example\r\n",
		"two pairs of brackets":   "From: CEO <ceo@bank.example> <x@evil.example>\r\n",
		"behind too many fields":  strings.Repeat("X: y\r\n", 1100) + "From: ceo@bank.example\r\n",
		"the one field too many":  "From: x@evil.example\r\n" + strings.Repeat("X: y\r\n", 999) + "From: ceo@bank.example\r\n",
		"a third From field":      "From: x@evil.example\r\nFrom: y@evil.example\r\n" + strings.Repeat("X: y\r\n", 1100) + "From: ceo@bank.example\r\n",
		"too large to be read":    "From: x@evil.example\r\nFrom: ceo@bank.example" + strings.Repeat(" (x)", 40_000) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			w, mta, _ := receiver(t)
			own := w.snapshot.Verifying.Rules.Actions
			own[policy.NoAlignedPass] = policy.RejectMail
			w.snapshot.Verifying.Rules.Domains = map[string]policy.Actions{"bank.example": own}
			w.snapshot.SenderHeaders = []string{"Sender", "From"}
			w.snapshot.Exempt = policy.DomainSet{"evil.example": true}
			if reply := deliver(t, mta, header+"\r\nHello\r\n").Reply; reply.SMTP != 550 {
				t.Errorf("answered %v", reply)
			}
		})
	}
}

// A row for one domain concerns nobody else: what bounces look like goes on.
func TestUnreadableFromIsNotTheBanks(t *testing.T) {
	for _, from := range []string{"MAILER-DAEMON (Mail Delivery System)", "Mail Delivery Subsystem <MAILER-DAEMON>", "<>", "a@b..example"} {
		w, mta, _ := receiver(t)
		own := w.snapshot.Verifying.Rules.Actions
		own[policy.NoAlignedPass] = policy.RejectMail
		w.snapshot.Verifying.Rules.Domains = map[string]policy.Actions{"bank.example": own}
		if reply := deliver(t, mta, "From: "+from+"\r\n\r\nHello\r\n").Reply; reply.Refuses() {
			t.Errorf("From: %s: answered %v", from, reply)
		}
	}
}

// A fault at the very end does not bring forged results back, nor hide the message.
func TestPanicAtTheEnd(t *testing.T) {
	w := newWorldFor(t, policy.SignAndVerify)
	mta := w.dial(t)
	deliver(t, mta, plain)
	close(w.gate) // whoever wants to sign now panics
	result := deliver(t, mta, "Authentication-Results: mx.example.net; dkim=pass header.d=bank.example\r\n"+plain)
	if strings.Contains(string(result.Delivered), "bank.example") || result.Delivered == nil {
		t.Errorf("answered %v, delivered\n%s", result.Reply, result.Delivered)
	}
	lines := w.log.lines(t)
	if len(lines) != 2 || lines[1]["reason"] != "internal-error" || lines[1]["removed"] != 1.0 {
		t.Errorf("logged %v", lines)
	}
}

// A fault before the end of the header leaves incoming mail incoming.
func TestPanicBeforeTheHeader(t *testing.T) {
	w, mta, good := receiver(t)
	deliver(t, mta, plain)
	whole := w.snapshot
	broken := *whole
	broken.Snapshot = nil // a nil pointer at RCPT
	broken.Verifying.Rules.Actions[policy.VerifierFault] = policy.RejectMail
	w.snapshot = &broken
	if reply := deliver(t, mta, good).Reply; reply.SMTP != 550 {
		t.Errorf("answered %v", reply)
	}
	w.snapshot = whole
	if result := deliver(t, mta, good); len(authresOf(result.Delivered)) != 1 {
		t.Errorf("the next message: %v", result.Reply)
	}
}

// A forged field that is too large to be read goes too, and counts: otherwise
// another's would be deleted for the next one.
func TestForgedFieldTooLargeToRead(t *testing.T) {
	w, mta, good := receiver(t)
	forged := "Authentication-Results: mx.example.net; dkim=pass header.d=bank.example"
	delivered := string(deliver(t, mta, forged+strings.Repeat(" (x)", 40_000)+"\r\n"+
		"Authentication-Results: other.example.org; dkim=pass header.d=kept.example\r\n"+forged+"\r\n"+good).Delivered)
	if strings.Contains(delivered, "bank.example") || !strings.Contains(delivered, "kept.example") {
		t.Errorf("delivered\n%.2000s", delivered)
	}
	if line := w.log.lines(t)[1]; line["removed"] != 2.0 || line["reason"] != "policy" {
		t.Errorf("logged %v", line)
	}
}

// sendOn sends a message on a connection that has had its CONNECT.
func sendOn(t *testing.T, mta *miltertest.MTA, raw string) []byte {
	t.Helper()
	fields, bodyAt, err := dkim.ParseFields([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	steps := []func() error{
		func() error { _, err := mta.Mail("<a@example.com>"); return err },
		func() error { _, err := mta.Rcpt("<b@example.net>"); return err },
	}
	for i := range fields.Len() {
		name, value := string(fields.Name(i)), strings.ReplaceAll(string(fields.Value(i)), "\r\n", "\n")
		steps = append(steps, func() error { _, err := mta.Header(name, value); return err })
	}
	steps = append(steps,
		func() error { _, err := mta.EOH(); return err },
		func() error { _, err := mta.Body([]byte(raw[bodyAt:])); return err })
	for _, step := range steps {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	mods, _, err := mta.EOM()
	if err != nil {
		t.Fatal(err)
	}
	return miltertest.Apply([]byte(raw), mods)
}

// The body of mail without a signature is not wanted.
func TestBodyIsSkipped(t *testing.T) {
	_, mta, good := receiver(t)
	long := strings.Repeat("A line of text.\r\n", 20_000)
	if result := deliver(t, mta, plain+long); !result.Skipped {
		t.Error("the body of an unsigned message was read to its end")
	}
	if result := deliver(t, mta, good+long); result.Skipped {
		t.Error("a signed body was skipped")
	}
}

// An MTA that does not let us delete fields is no MTA for verifying.
func TestVerifierNeedsChangeHeader(t *testing.T) {
	w := newWorldFor(t, policy.VerifyOnly)
	mta, err := miltertest.Dial("unix", w.address)
	if err != nil {
		t.Fatal(err)
	}
	defer mta.Close()
	offer := miltertest.PostfixOffer
	offer.Actions &^= milter.ActChangeHeader
	if answer, err := mta.Negotiate(offer); err == nil {
		t.Errorf("agreed: %+v", answer)
	}
}
