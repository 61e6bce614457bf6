package dkim

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim/canon"
)

// base is a good signature field; tests change one thing.
const base = " v=1; a=rsa-sha256; d=example.com; s=mail; h=From:To;\r\n bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=c2lnbmF0dXJl"

// with puts tags in place of those of the same names in base, or adds them.
func with(tags ...string) string {
	text := base
	for _, tag := range tags {
		name, _, _ := strings.Cut(tag, "=")
		var kept []string
		for old := range strings.SplitSeq(text, ";") {
			if n, _, _ := strings.Cut(trimFWS(old), "="); n != name {
				kept = append(kept, old)
			}
		}
		text = strings.Join(append(kept, " "+tag), ";")
	}
	return text
}

func without1(name string) string { return strings.TrimSuffix(with(name+"="), "; "+name+"=") }

func TestParseSignature(t *testing.T) {
	s, err := ParseSignature([]byte(with("c=relaxed/simple", "i=joe@mx.example.com", "l=12", "q=dns/txt", "t=1000", "x=2000", "z=From:joe")))
	if err != nil {
		t.Fatal(err)
	}
	if s.Algorithm != RSASHA256 || s.AlgorithmName != "rsa-sha256" || s.Canonicalization != (canon.Pair{Header: canon.Relaxed}) ||
		s.Domain != "example.com" || s.Selector != "mail" || s.Identity != "joe@mx.example.com" || s.IdentityDomain != "mx.example.com" ||
		!slices.Equal(s.HeaderNames, []string{"From", "To"}) || len(s.BodyHash) != 32 || string(s.B) != "signature" ||
		s.BText != "c2lnbmF0dXJl" || s.BodyLength != 12 || s.Time.Unix() != 1000 || s.Expiry.Unix() != 2000 {
		t.Errorf("%+v", s)
	}
}

func TestParseSignatureDefaults(t *testing.T) {
	s, err := ParseSignature([]byte(base))
	if err != nil {
		t.Fatal(err)
	}
	if s.Canonicalization != (canon.Pair{}) || s.Identity != "@example.com" || s.IdentityDomain != "example.com" ||
		s.BodyLength != -1 || !s.Time.IsZero() || !s.Expiry.IsZero() {
		t.Errorf("%+v", s)
	}
}

func TestParseSignatureAccepts(t *testing.T) {
	tests := []struct {
		name, text string
		ok         func(*Signature) bool
	}{
		{"VF-2/white space round everything", " v\r\n =\t1 ; a = rsa-sha256;d= example.com ;s=\r\n mail; h = From\r\n : To ; bh = 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= ;b= c2ln ; ", func(s *Signature) bool {
			return s.Domain == "example.com" && slices.Equal(s.HeaderNames, []string{"From", "To"})
		}},
		{"VF-4/any order", "b=c2ln; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; h=from; s=a; d=b.c; a=rsa-sha256; v=1", nil},
		{"VF-5/unknown tags", with("foo=bar", "zb=1", "B=2"), nil},
		{"VF-7/white space inside bh= and b=", with("bh=47DEQpj8HBSa+/TImW+5JCeu QeRkm5NMpJWZG3\r\n\thSuFU=", "b= c 2\r\n l n"), func(s *Signature) bool {
			return len(s.BodyHash) == 32 && s.BText == "c2ln"
		}},
		{"VF-8/one name", with("c=relaxed"), func(s *Signature) bool { return s.Canonicalization.String() == "relaxed/simple" }},
		{"VF-9/case", with("h=to:fRoM"), nil},
		{"VF-13/same domain", with("i=@EXAMPLE.com"), func(s *Signature) bool { return s.IdentityDomain == "example.com" }},
		{"VF-13/subdomain", with("i=a@b.c.example.com"), nil},
		{"VF-13/encoded", with("i=a=3Bb=20=40c@\r\n example.com"), func(s *Signature) bool { return s.Identity == "a;b @c@example.com" }},
		{"VF-13/quoted at sign", with(`i="a@b"@example.com`), func(s *Signature) bool { return s.Identity == `"a@b"@example.com` }},
		{"SE-7/CRLF in i=", with("i==0D=0AX:=20y@example.com"), func(s *Signature) bool { return s.Identity == "\r\nX: y@example.com" }},
		{"VF-14/unknown methods are skipped", with("q=http : dns/txt"), nil},
		{"VF-15/leading zeros", with("l=00012"), func(s *Signature) bool { return s.BodyLength == 12 }},
		{"VF-15/2^64+5", with("l=18446744073709551621"), func(s *Signature) bool { return s.BodyLength == math.MaxInt64 }},
		{"VF-15/76 digits", with("l=" + strings.Repeat("9", 76)), func(s *Signature) bool { return s.BodyLength == math.MaxInt64 }},
		{"VF-16/x= of 13 digits", with("t=1", "x=9999999999999"), func(s *Signature) bool { return s.Expiry.Unix() == endOfTime }},
		{"VF-16/x= of 30 digits", with("t=1", "x="+strings.Repeat("9", 30)), func(s *Signature) bool { return s.Expiry.Unix() == endOfTime }},
		{"VF-18/underscore", with("d=_a.example.com", "s=_b.c"), nil},
		{"VF-18/labels of 63", with("s=" + strings.Repeat("a", 63)), nil},
		{"VF-22/upper case", with("a=RSA-SHA256", "c=RELAXED/Simple", "q=DNS/TXT"), func(s *Signature) bool { return s.Canonicalization.Header == canon.Relaxed }},
		{"VF-21/ed25519", with("a=ed25519-sha256"), func(s *Signature) bool { return s.Algorithm == Ed25519SHA256 }},
		{"EA-1/U-labels", with("d=bücher.example", "s=schlüssel", "i=müller@shop.Bücher.example"), func(s *Signature) bool {
			return s.Domain == "xn--bcher-kva.example" && s.Selector == "xn--schlssel-95a" && s.IdentityDomain == "shop.xn--bcher-kva.example" &&
				s.Identity == "müller@shop.Bücher.example"
		}},
		{"EA-1/U-label and A-label are the same", with("d=xn--bcher-kva.example", "i=@bücher.example"), nil},
		{"EA-4/8-bit in an unknown tag", with("foo=\xff"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := ParseSignature([]byte(tt.text))
			if err != nil {
				t.Fatalf("%v in %q", err, tt.text)
			}
			if tt.ok != nil && !tt.ok(s) {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestParseSignatureRefuses(t *testing.T) {
	long := strings.Repeat("a", 64)
	tests := []struct {
		name, text string
		status     Status
		reason     Reason
	}{
		{"VF-1/no tag list", "nonsense", Neutral, ReasonSyntax},
		{"VF-1/version before syntax", with("v=2", "d=!"), PermError, ReasonVersion},
		{"VF-1/syntax before use", with("a=foo-bar", "d=!"), Neutral, ReasonSyntax},
		{"VF-3/duplicate", base + "; d=example.com", Neutral, ReasonSyntax},
		{"VF-3/duplicate unknown", base + "; foo=1; foo=1", Neutral, ReasonSyntax},
		{"VF-4/upper case is another tag", strings.Replace(base, "d=", "D=", 1), Neutral, ReasonMissingTag},
		{"VF-6/v", without1("v"), Neutral, ReasonMissingTag},
		{"VF-6/a", without1("a"), Neutral, ReasonMissingTag},
		{"VF-6/b", without1("b"), Neutral, ReasonMissingTag},
		{"VF-6/bh", without1("bh"), Neutral, ReasonMissingTag},
		{"VF-6/d", without1("d"), Neutral, ReasonMissingTag},
		{"VF-6/h", without1("h"), Neutral, ReasonMissingTag},
		{"VF-6/s", without1("s"), Neutral, ReasonMissingTag},
		{"T34/v=0.5", with("v=0.5"), PermError, ReasonVersion},
		{"T34/v=2", with("v=2"), PermError, ReasonVersion},
		{"T34/v=01", with("v=01"), PermError, ReasonVersion},
		{"VF-7/b= empty", with("b="), Neutral, ReasonSyntax},
		{"VF-7/b= no base64", with("b=!!!!"), Neutral, ReasonSyntax},
		{"VF-7/b= cut", with("b=abcde"), Neutral, ReasonSyntax},
		{"VF-7/bh= empty", with("bh= "), Neutral, ReasonSyntax},
		{"VF-7/bh= no base64", with("bh=a-b_"), Neutral, ReasonSyntax},
		{"VF-8/unknown", with("c=nowsp"), PermError, ReasonCanonicalization},
		{"VF-8/empty half", with("c=relaxed/"), PermError, ReasonCanonicalization},
		{"VF-8/three", with("c=simple/simple/simple"), PermError, ReasonCanonicalization},
		{"VF-9/missing", with("h=To:Subject"), PermError, ReasonFromNotSigned},
		{"VF-9/part of a name", with("h=X-From:From-X:Fro"), PermError, ReasonFromNotSigned},
		{"VF-10/empty", with("h="), Neutral, ReasonSyntax},
		{"VF-10/empty element", with("h=from:"), Neutral, ReasonSyntax},
		{"VF-10/blank in a name", with("h=from:a b"), Neutral, ReasonSyntax},
		{"VF-13/no at sign", with("i=example.com"), Neutral, ReasonSyntax},
		{"VF-13/empty", with("i="), Neutral, ReasonSyntax},
		{"VF-13/bad encoding", with("i=a=4@example.com"), Neutral, ReasonSyntax},
		{"VF-13/encoding cut", with("i=@example.com="), Neutral, ReasonSyntax},
		{"VF-13/above", with("d=mx.example.com", "i=@example.com"), PermError, ReasonIdentity},
		{"T21", with("d=tricky.example", "i=alice@eviltricky.example"), PermError, ReasonIdentity},
		{"VF-14/only unknown", with("q=http"), PermError, ReasonQueryMethod},
		{"VF-15/negative", with("l=-1"), Neutral, ReasonSyntax},
		{"VF-15/empty", with("l="), Neutral, ReasonSyntax},
		{"VF-15/77 digits", with("l=" + strings.Repeat("0", 77)), Neutral, ReasonSyntax},
		{"VF-16/x= before t=", with("t=2000", "x=1999"), PermError, ReasonExpiryOrder},
		{"VF-16/x= equals t=", with("t=2000", "x=2000"), PermError, ReasonExpiryOrder},
		{"VF-16/no number", with("x=tomorrow"), Neutral, ReasonSyntax},
		{"VF-16/signed number", with("t=+1"), Neutral, ReasonSyntax},
		{"VF-18/one label", with("d=com"), Neutral, ReasonSyntax},
		{"VF-18/final dot", with("d=example.com."), Neutral, ReasonSyntax},
		{"VF-18/empty label", with("d=example..com"), Neutral, ReasonSyntax},
		{"VF-18/blank", with("d=example .com"), Neutral, ReasonSyntax},
		{"VF-18/slash", with("s=a/b"), Neutral, ReasonSyntax},
		{"VF-18/quote", with(`s="a"`), Neutral, ReasonSyntax},
		{"VF-18/bracket", with("d=[192.0.2.1]"), Neutral, ReasonSyntax},
		{"VF-18/label of 64", with("s=" + long), Neutral, ReasonSyntax},
		{"VF-18/254 octets", with("d=" + strings.Repeat("aaaa.", 50) + "aaaa"), Neutral, ReasonSyntax},
		{"VF-18/254 octets with the selector", with("d=" + strings.Repeat("aaaa.", 47) + "aaaa"), Neutral, ReasonSyntax},
		{"T39", with("d=bank.example(.tricky.example"), Neutral, ReasonSyntax},
		{"SE-5/encoded NUL", with("d=bank.example=00.tricky.example"), Neutral, ReasonSyntax},
		{"EA-2/one dot leader", with("d=bank\u2024example.tricky.example"), Neutral, ReasonSyntax},
		{"EA-2/fullwidth dot", with("d=bank.example\uff0etricky.example"), Neutral, ReasonSyntax},
		{"EA-2/in i=", with("i=@bank\u2024example.com"), Neutral, ReasonSyntax},
		{"EA-3/i= is no UTF-8", with("i=\xff@example.com"), Neutral, ReasonSyntax},
		{"VF-20", with("a=rsa-sha1"), PermError, ReasonSHA1},
		{"VF-21/sha512", with("a=rsa-sha512"), PermError, ReasonAlgorithm},
		{"VF-21/dsa", with("a=dsa-sha256"), PermError, ReasonAlgorithm},
		{"VF-21/no algorithm", with("a=rsa"), Neutral, ReasonSyntax},
		{"VF-21/injection", with("a=rsa-sha256)x"), Neutral, ReasonSyntax},
		{"SE-4/huge field", with("z=" + strings.Repeat("x", maxTagList)), Policy, ReasonLimit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := ParseSignature([]byte(tt.text))
			var fault *Fault
			if !errors.As(err, &fault) || fault.Status != tt.status || fault.Reason != tt.reason {
				t.Fatalf("%+v, %v; want %s %s", s, err, tt.status, tt.reason)
			}
		})
	}
}

func TestCovers(t *testing.T) {
	s, err := ParseSignature([]byte(with("h=From:to:FROM:X-From")))
	if err != nil || s.Covers("from") != 2 || s.Covers("To") != 1 || s.Covers("Cc") != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// With an error the tags that are right by themselves are there, and no others.
func TestParseSignatureNamesWhatItCan(t *testing.T) {
	s, err := ParseSignature([]byte(with("a=rsa-sha1", "h=To")))
	if err == nil || s.Domain != "example.com" || s.Selector != "mail" || s.AlgorithmName != "rsa-sha1" || s.Algorithm != 0 || s.BText == "" {
		t.Errorf("%+v, %v", s, err)
	}
	s, err = ParseSignature([]byte(with("d=bank.example(.tricky.example", "a=rsa-sha256;b")))
	if err == nil || s.Domain != "" || s.Identity != "" {
		t.Errorf("%+v, %v", s, err)
	}
}

func FuzzParseSignature(f *testing.F) {
	for _, seed := range []string{
		base, with("i=a=3Bb@example.com", "l=5", "t=1", "x=2", "q=dns/txt", "c=relaxed"), with("d=bücher.example"),
		with("i==0D=0A@x"), with("l=99999999999999999999"), with("h=:"), "v=1", ";",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		before := bytes.Clone(value)
		s, err := ParseSignature(value)
		if s == nil || !bytes.Equal(before, value) {
			t.Fatal("no signature, or the input changed")
		}
		var fault *Fault
		if err != nil && (!errors.As(err, &fault) || fault.Reason == "" || fault.Status == Pass) {
			t.Fatalf("%#v", err)
		}
		if s.Domain != "" && ValidDomain(s.Domain) != nil || s.Selector != "" && ValidSelector(s.Selector) != nil {
			t.Errorf("d=%q s=%q", s.Domain, s.Selector)
		}
		if err != nil {
			return
		}
		if s.Algorithm == 0 || s.Domain == "" || s.Selector == "" || len(s.B) == 0 || len(s.BodyHash) == 0 || !containsFold(s.HeaderNames, "from") {
			t.Errorf("incomplete: %+v", s)
		}
		if !below(s.IdentityDomain, s.Domain) || s.BodyLength < -1 || ValidRecordName(s.Selector, s.Domain) != nil {
			t.Errorf("inconsistent: %+v", s)
		}
		if !s.Expiry.IsZero() && !s.Time.IsZero() && !s.Expiry.After(s.Time) {
			t.Errorf("t=%v x=%v", s.Time, s.Expiry)
		}
	})
}

// Fields of almost 64 KB.
func TestHugeFields(t *testing.T) {
	for _, text := range []string{
		with("h=From" + strings.Repeat(":a", 30000)),
		with("b=" + strings.Repeat("a ", 30000)),
		with("z=" + strings.Repeat("=", 60000)),
		with("i=" + strings.Repeat("=41", 20000) + "@example.com"),
	} {
		if _, err := ParseSignature([]byte(text)); err != nil {
			t.Error(err)
		}
	}
}
