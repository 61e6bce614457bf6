package shadow

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const (
	oneKey = "k example.com:s1:./rsa.pem\n"
	allTo  = "*@example.com k\n"
)

// What one configuration signed is compared with another one; making that the same makes it equivalent.
func TestOptions(t *testing.T) {
	i := install(t, oneKey, allTo)
	for _, tt := range []struct {
		name, old, ours, want string
		verdict               Level
		advice                string
	}{
		{"the same", "", "", "", Note, ""},
		{"canonicalization", `canonicalization = "simple/relaxed"`, "", "differs c", Differs, `sign.canonicalization = "simple/relaxed"`},
		{"identity of the domain", `identity = "domain"`, "", "harmless i", Harmless, `sign.identity = "domain"`},
		{"identity of the sender", `identity = "sender"`, "", "differs i", Differs, `sign.identity = "sender"`},
		{"no identity", "", `identity = "sender"`, "differs i", Differs, `sign.identity = "none", and no identity in the line of sign.signingtable`},
		{"another expiry", `expire = "14d"`, `expire = "36h"`, "differs x", Differs, `sign.expire = "14d"`},
		{"no expiry", "", `expire = "36h"`, "differs x", Differs, `sign.expire = ""`},
		{"a field less", `omit_headers = ["Date"]`, "", "differs h", Differs, `add "Date" to sign.omit_headers`},
		{"a field more", "", `omit_headers = ["Date"]`, "differs h, differs h", Differs, `add "Date" to sign.headers (a list there replaces the preset)`},
		{"oversigned less", `oversign = ["From"]`, "", "harmless h", Harmless, `to do without: take "To", "Date" out of sign.oversign and sign.oversign_absent`},
		{"oversigned more", "", `oversign = ["From"]`, "differs h", Differs, `add "To", "Date" to sign.oversign`},
		{"absent oversigned less", "oversign_absent = []", "", "harmless h", Harmless, `to do without: take "Cc", "Reply-To" out of sign.oversign_absent`},
		{"absent oversigned more", "", "oversign_absent = []", "differs h", Differs, `add "Cc", "Reply-To" to sign.oversign_absent`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			old := i.judge(tt.old)
			signed := old.sign(t, text)
			r := i.judge(tt.ours).report(t, signed)
			if got := words(r); got != tt.want || r.Verdict != tt.verdict || r.Signatures[0].Control != Verifies {
				t.Errorf("%s: %s, control %s; want %s: %s", r.Verdict, got, r.Signatures[0].Control, tt.verdict, tt.want)
			}
			if all := r.All(); tt.advice != "" && (len(all) == 0 || all[0].Advice != tt.advice) {
				t.Errorf("advice %+v, want %s", all, tt.advice)
			}
			if r := old.report(t, signed); r.Verdict != Note || len(r.All()) > 0 {
				t.Errorf("the same configuration: %+v", r)
			}
		})
	}
}

// edited replaces a part of a signed message.
func edited(t *testing.T, message string, oldNew ...string) string {
	t.Helper()
	changed := strings.NewReplacer(oldNew...).Replace(message)
	if changed == message {
		t.Fatalf("%q is not in\n%s", oldNew[0], message)
	}
	return changed
}

// Start from an equivalent message, change one thing of it.
func TestMessages(t *testing.T) {
	i := install(t, oneKey, allTo)
	j := i.judge("")
	signed := j.sign(t, text)
	for _, tt := range []struct {
		name, message, want string
		verdict             Level
		control             Control
	}{
		{"with the trace of its way", "Return-Path: <>\r\nReceived: by x\r\nAuthentication-Results: x; none\r\n" + signed, "", Note, Verifies},
		{"body changed", edited(t, signed, "the  text", "the texts"), "unsure bh", Unsure, BodyChanged},
		{"header changed", edited(t, signed, "Subject: hello", "Subject: [x] hello"), "unsure file", Unsure, HeaderChanged},
		{"another sender on top", "From: eve@example.net\r\n" + signed, "unsure file", Unsure, HeaderChanged},
		{"signature below", edited(t, text, "\r\n\r\n", "\r\n"+signed[:strings.Index(signed, "From: ")]+"\r\n"), "equivalent file", Note, Verifies},
		{"l=", edited(t, signed, "q=dns/txt;", "q=dns/txt; l=3;"), "unsure bh, differs l", Differs, BodyChanged},
		{"l= beyond the body", edited(t, signed, "q=dns/txt;", "q=dns/txt; l=3000;"), "unsure bh, differs l", Differs, BodyChanged},
		{"q= with another method", edited(t, signed, "q=dns/txt;", "q=dns/txt:x;"), "unsure file, harmless q", Harmless, HeaderChanged},
		{"q= by default", edited(t, signed, " q=dns/txt;", ""), "unsure file", Unsure, HeaderChanged},
		{"z= and others", edited(t, signed, "q=dns/txt;", "z=From:x; r=y; q=dns/txt;"), "unsure file, harmless z, harmless r", Harmless, HeaderChanged},
		{"x= without t=", edited(t, signed, "t=1795317600", "x=1795317700"), "unsure file, differs x", Differs, HeaderChanged},
		{"rsa-sha1", edited(t, signed, "rsa-sha256", "rsa-sha1"), "differs a", Differs, NotTried},
		{"another selector", edited(t, signed, "s=s1", "s=s2"), "differs s", Differs, NotTried},
		{"names in another order", edited(t, signed, "h=From:To:", "h=To:From:"), "unsure file, equivalent h", Unsure, HeaderChanged},
		{"b= by somebody", edited(t, signed, "\r\n b=", "\r\n b=AAAA"), "differs key", Differs, OtherKey},
		{"of a stranger", edited(t, signed, "From: ada@example.com", "From: ada@example.net"), "differs signed", Differs, NotTried},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := j.report(t, tt.message)
			if got := words(r); got != tt.want || r.Verdict != tt.verdict || r.Signatures[0].Control != tt.control {
				t.Errorf("%s: %s, control %s; want %s: %s, control %s", r.Verdict, got, r.Signatures[0].Control, tt.verdict, tt.want, tt.control)
			}
		})
	}
}

func TestSeveralSignatures(t *testing.T) {
	const both = "k example.com:s1:./rsa.pem\nk example.com:ed:./ed.pem\n"
	i := install(t, both, allTo)
	two := i.judge("")
	signed := two.sign(t, text)
	if r := two.report(t, signed); r.Verdict != Note || len(r.Signatures) != 2 || r.Signatures[1].Control != Verifies {
		t.Errorf("%+v", r)
	}
	i.write("keytable", oneKey)
	one := i.judge("")
	if r := one.report(t, signed); r.Verdict != Differs || words(r) != "differs signature" {
		t.Errorf("one of two: %s %s", r.Verdict, words(r))
	}
	if r := two.report(t, one.sign(t, text)); r.Verdict != Harmless || words(r) != "harmless signature" {
		t.Errorf("one more of the same domain: %s %s", r.Verdict, words(r))
	}
	i.write("keytable", "k example.com:s1:./rsa.pem\nk2 example.net:s1:./rsa.pem\n")
	i.write("signingtable", "*@example.com k,k2\n")
	more := i.judge("multiple_signatures = true")
	if r := more.report(t, one.sign(t, text)); r.Verdict != Differs || words(r) != "differs signature" {
		t.Errorf("one more of another domain: %s %s", r.Verdict, words(r))
	}
	if r := one.report(t, edited(t, one.sign(t, text), "d=example.com", "d=example.org")); words(r) != "differs d" {
		t.Errorf("another domain: %s", words(r))
	}
}

func TestKeys(t *testing.T) {
	const old, other = "s1._domainkey.example.com", "s2._domainkey.example.com"
	i := install(t, "k example.com:s1:./ed.pem\n", allTo)
	signed := i.judge("").sign(t, text)
	for _, tt := range []struct {
		name, keytable string
		dns            DNS
		records        records
		want           string
		control        Control
		failed         bool
	}{
		{"the same, not asked", "s1:./ed.pem", WhenKeysDiffer, records{}, "", Verifies, false},
		{"the same, in DNS", "s1:./ed.pem", Always, records{old: i.record("ed")}, "", Verifies, false},
		{"not in DNS", "s1:./ed.pem", Always, records{}, "differs dns", Verifies, false},
		{"revoked", "s1:./ed.pem", Always, records{old: "v=DKIM1; p="}, "differs dns", Verifies, false},
		{"another in DNS", "s1:./ed.pem", Always, records{old: i.record("other")}, "differs dns", Verifies, false},
		{"DNS fails", "s1:./ed.pem", Always, records{old: "fail"}, "unsure dns", Verifies, true},
		{"another key", "s1:./other.pem", WhenKeysDiffer, records{}, "unsure file", NoMatch, false},
		{"another key, DNS has ours", "s1:./other.pem", Always, records{old: i.record("other")}, "unsure file", NoMatch, false},
		{"another selector, never asked", "s2:./ed.pem", Never, records{}, "differs s", NotTried, false},
		{"another selector, same key", "s2:./ed.pem", WhenKeysDiffer, records{old: i.record("ed"), other: i.record("ed")}, "differs s, equivalent key", Verifies, false},
		{"another selector, other key", "s2:./other.pem", WhenKeysDiffer, records{old: i.record("ed"), other: i.record("other")}, "differs s, equivalent key", Verifies, false},
		{"another selector, not published", "s2:./other.pem", WhenKeysDiffer, records{old: i.record("ed")}, "differs s, equivalent key, differs dns", Verifies, false},
		{"another selector, old one gone", "s2:./ed.pem", WhenKeysDiffer, records{other: i.record("ed")}, "differs s, equivalent dns", NotTried, false},
		{"another selector, DNS fails", "s2:./ed.pem", WhenKeysDiffer, records{old: "fail", other: "fail"}, "differs s, equivalent dns, unsure dns", NotTried, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i.write("keytable", "k example.com:"+tt.keytable+"\n")
			j := i.judge("")
			j.DNS, j.Lookup = tt.dns, tt.records
			r := j.report(t, signed)
			if got := words(r); got != tt.want || r.Signatures[0].Control != tt.control || r.DNSFailed != tt.failed {
				t.Errorf("%s, control %s, failed %v; want %s, control %s", got, r.Signatures[0].Control, r.DNSFailed, tt.want, tt.control)
			}
		})
	}
}

// A key that is out of service: its signature is missing, whether or not another one signs.
func TestKeyOutOfService(t *testing.T) {
	const both = "k example.com:s1:./rsa.pem\nk example.com:ed:./ed.pem\n"
	i := install(t, both, allTo)
	signed := i.judge("").sign(t, text)
	i.write("keytable", strings.Replace(both, "ed.pem", "gone.pem:ed25519-sha256", 1))
	if r := i.judge("").report(t, signed); words(r) != "differs signature" {
		t.Errorf("one of two: %s", words(r))
	}
	i.write("keytable", "k example.com:s1:./gone.pem\n")
	r := i.judge("").report(t, signed)
	if words(r) != "differs signed" || r.Reason != "key-unavailable" || len(r.Trail) == 0 {
		t.Errorf("the only one: %+v", r)
	}
}

func TestWhoseSignature(t *testing.T) {
	i := install(t, oneKey, allTo)
	j := i.judge("")
	ours := j.sign(t, text)
	field := ours[:strings.Index(ours, "From: ")]
	foreign := edited(t, field, "d=example.com", "d=esp.example")
	earlier := edited(t, field, "t=1795317600", "t=1795310000")
	for _, tt := range []struct {
		name    string
		signers Signers
		message string
		want    string // d= of the old ones
		err     string
	}{
		{"ours below a stranger's", Signers{}, foreign + "Received: x\r\n" + ours, "example.com", ""},
		{"made together", Signers{}, foreign + ours, "esp.example example.com", ""},
		{"made together, with OpenDKIM's own field", Signers{}, "DKIM-Filter: x\r\n" + field + "DKIM-Filter: x\r\n" + foreign + text, "example.com esp.example", ""},
		{"next to an earlier one", Signers{}, field + earlier + text, "example.com", ""},
		{"named", Signers{Domains: []string{"esp.example"}}, foreign + ours, "esp.example", ""},
		{"both named", Signers{Domains: []string{"esp.example", "example.com"}}, foreign + ours, "esp.example example.com", ""},
		{"all", Signers{All: true}, field + "Received: x\r\n" + foreign + earlier + text, "example.com esp.example example.com", ""},
		{"a stranger's alone", Signers{}, foreign + text, "esp.example", ""},
		{"none", Signers{}, text, "", "no DKIM-Signature field"},
		{"none of the named", Signers{Domains: []string{"example.net"}}, ours, "", "there are d=example.com"},
		{"unreadable", Signers{}, "DKIM-Signature: v=1; a=\r\n" + text, "", "DKIM-Signature field 1 cannot be read"},
		{"unreadable beside a good one", Signers{}, "DKIM-Signature: v=1; a=\r\n" + ours, "example.com", ""},
		{"unreadable among all", Signers{All: true}, ours[:len(field)] + "DKIM-Signature: v=1; a=\r\n" + text, "", "DKIM-Signature field 2 cannot be read"},
		{"another version", Signers{}, edited(t, ours, "v=1;", "v=2;"), "", "cannot be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j.Signers = tt.signers
			r, err := j.read(t, tt.message)
			if tt.err != "" {
				var none *NoSignatureError
				var bad *BadSignatureError
				if err == nil || !strings.Contains(err.Error(), tt.err) || !errors.As(err, &none) && !errors.As(err, &bad) {
					t.Errorf("%v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range r.Signatures {
				if c.Old != nil {
					got = append(got, c.Old.Domain)
				}
			}
			if !sameWords(got, strings.Fields(tt.want)) {
				t.Errorf("old signatures %v, want %s", got, tt.want)
			}
		})
	}
}

// sameWords compares lists in any order.
func sameWords(a, b []string) bool {
	count := map[string]int{}
	for _, s := range a {
		count[s]++
	}
	for _, s := range b {
		count[s]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// The signer did not see what stands above its field: it would have signed a Received field there.
func TestWhatTheSignerSaw(t *testing.T) {
	i := install(t, oneKey, allTo)
	j := i.judge(`headers = ["From", "Received"]`)
	signed := j.sign(t, "Received: from inside\r\n"+text)
	if r := j.report(t, "Received: by the next\r\n"+signed); words(r) != "" {
		t.Errorf("%s", words(r))
	}
	j = i.judge(`headers = ["From"]`)
	if r := j.report(t, "Received: by the next\r\n"+signed); words(r) != "differs h" || r.All()[0].Text != "h=: only the old signature covers Received" {
		t.Errorf("%+v", r.All())
	}
}

// We sign at the moment of the old t=, not at today's: what postseal signed comes out again, octet by octet.
func TestTimeOfSigning(t *testing.T) {
	i := install(t, oneKey, allTo)
	j := i.judge(`expire = "14d"`)
	signed := j.sign(t, text)
	j.Now = func() time.Time { return epoch.Add(24 * 365 * time.Hour) }
	if r := j.report(t, signed); words(r) != "" || "DKIM-Signature: "+r.Signatures[0].Field+"\r\n"+text != signed {
		t.Errorf("%s; %q", words(r), r.Signatures[0].Field)
	}
	if r := j.report(t, edited(t, signed, " t=1795317600;", "")); !strings.Contains(r.Signatures[0].Field, "t=1826853600;") {
		t.Errorf("without t=: %q", r.Signatures[0].Field)
	}
}
