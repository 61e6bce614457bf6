package verifier

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
)

// TestHeader is the lines HC and EA of the checklist, as far as a verifier meets them and table T has no row.
func TestHeader(t *testing.T) {
	subject := "Subject: Is dinner ready?"
	runRows(t, []row{
		{name: "HC-1/case of the name", tags: simple, alter: replace("Subject:", "SUBJECT:"), status: fail, reason: badHeader},
		{name: "HC-1/blank", tags: simple, alter: replace(subject, subject+" "), status: fail, reason: badHeader},
		{name: "HC-1/nothing", tags: simple, status: pass},
		{name: "HC-2/case of the name", alter: replace("Subject:", "SUBJECT:"), status: pass},
		{name: "HC-2/case of the value", alter: replace("dinner", "Dinner"), status: fail, reason: badHeader},
		{name: "HC-3/vertical tab is no blank", alter: replace("Is dinner", "Is\v dinner"), status: fail, reason: badHeader},
		{name: "HC-4/order", message: replace("To: Bob <bob@example.net>\n", "")(plain), tags: tags("h=Subject:From"), status: pass},
		{name: "HC-5/only b= is emptied", alter: func(m string) string { return strings.Replace(m, " bh=", " zb=1; bh=", 1) }, status: fail, reason: badHeader},
		{name: "HC-6/own field refolded, relaxed", alter: replace(";\n d=", ";\n\t  d="), status: pass},
		{name: "HC-6/own field refolded, simple", tags: simple, alter: replace(";\n d=", ";\n\t  d="), status: fail, reason: badHeader},
		{name: "HC-7/8-bit", message: replace("dinner", "\xffd\xe4nner\x80")(plain), status: pass},
		{name: "HC-7/8-bit, simple", message: replace("dinner", "\xffd\xe4nner\x80")(plain), tags: simple, status: pass},
		{name: "EA-4/8-bit outside h=", alter: onTop("X-Foo: \xff\xfe\n"), status: pass},
		{name: "EA-4/8-bit in an unknown tag", tags: tags("foo=\xff"), status: pass},
		{name: "EA-3/UTF-8 in i=", tags: tags("i=müller@example.com"), status: pass, also: identity("müller@example.com")},
	})
}

// EA-1: the name in DNS has A-labels, the hash has the octets of the message.
func TestInternationalNames(t *testing.T) {
	z := zone{"xn--schlssel-95a._domainkey.xn--bcher-kva.example": {txt: []string{rsaKey().record}}}
	runRows(t, []row{
		{name: "EA-1", tags: tags("d=bücher.example", "s=schlüssel", "i=@shop.Bücher.example"), zone: z, status: pass, also: func(t testing.TB, r Result) {
			if r.Domain != "xn--bcher-kva.example" || r.Selector != "xn--schlssel-95a" || r.Identity != "@shop.Bücher.example" {
				t.Errorf("%+v", r)
			}
		}},
		{name: "EA-1/mixed forms", tags: tags("d=xn--bcher-kva.example", "s=schlüssel", "i=@bücher.example"), zone: z, status: pass},
		{
			name: "EA-1/t=s", tags: tags("d=xn--bcher-kva.example", "s=schlüssel", "i=@BÜCHER.example"), status: pass,
			zone: zone{"xn--schlssel-95a._domainkey.xn--bcher-kva.example": {txt: []string{"v=DKIM1; t=s; p=" + rsaKey().p()}}},
		},
		{name: "EA-2/U+2024", tags: tags("d=bank\u2024example.tricky.example"), status: neutral, reason: dkim.ReasonSyntax},
		{name: "EA-2/U+FF0E", tags: tags("d=bank\uff0eexample.tricky.example"), status: neutral, reason: dkim.ReasonSyntax},
	})
}

// TestBody is the lines BC of the checklist; canon has its own tests, table T has the rest.
func TestBody(t *testing.T) {
	head := plain[:strings.Index(plain, "\r\n\r\n")+4]
	const emptySimple, emptyRelaxed = "bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=", "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	runRows(t, []row{
		{name: "BC-1", message: head, tags: tags("c=simple", emptySimple), status: pass},
		{name: "BC-2", message: head, tags: tags("c=relaxed/relaxed", emptyRelaxed), status: pass},
		{name: "BC-3/reduced", message: head + "  x\r\n", alter: replace("\n  x", "\n\t x"), status: pass},
		{name: "BC-3/not removed", message: head + "  x\r\n", alter: replace("\n  x", "\nx"), status: fail, reason: badBody},
		{name: "BC-4", message: head + "x", alter: behind("\n"), status: pass},
		{name: "BC-5", message: head + "x\r\n", alter: behind("..\n"), status: fail, reason: badBody},
		{name: "BC-5/dots", message: head + "..\r\n.x\r\n", status: pass},
		{name: "BC-6/bare CR", message: head + "a\rb\r\r\nc\n\r\n", tags: simple, status: pass},
		{name: "BC-6/bare CR dropped", message: head + "a\rb\r\n", alter: replace("a\rb", "ab"), status: fail, reason: badBody},
		{name: "BC-7", message: head + "a \r\n \r\n\r\n b\t\r\n", status: pass}, // row.run splits at each octet
		{name: "BC-8/empty lines", message: head + "a\r\n" + strings.Repeat("\r\n", 70_000) + "b\r\n", status: pass},
		{name: "BC-8/blanks", message: head + "a" + strings.Repeat(" ", 80_000) + "b\r\n", alter: replace("a  ", "a "), status: pass},
		{name: "SE-8", message: head + "a\n.\nMAIL FROM:<x>\r\n\r.\r\r\n", status: pass},
	})
}

// TestSignature is the lines VF that the whole verifier answers; the others are tested where the field is parsed, in dkim.
func TestSignature(t *testing.T) {
	received := crlf("Received: one\nReceived: two\n")
	runRows(t, []row{
		{name: "VF-1/no tag list", alter: replace("DKIM-Signature: v=1;\n", "DKIM-Signature: v;\n"), status: neutral, reason: dkim.ReasonSyntax},
		{name: "VF-2", tags: tags(" v \r\n = \t1 ", "v", "h=From\r\n :\r\n To"), status: pass},
		{name: "VF-3", tags: tags("t=1;t=1"), status: neutral, reason: dkim.ReasonSyntax},
		{name: "VF-4", tags: tags("D=other.example", "S=x"), status: pass},
		{name: "VF-5/ignored", tags: tags("foo=bar"), status: pass},
		{name: "VF-5/hashed", tags: tags("foo=bar"), alter: replace("foo=bar", "foo=baz"), status: fail, reason: badHeader},
		{name: "VF-6/s", tags: tags("s"), status: neutral, reason: dkim.ReasonMissingTag},
		{name: "VF-7/b= cut", alter: func(m string) string { return strings.Replace(m, "=\r\nFrom", "\r\nFrom", 1) }, status: neutral, reason: dkim.ReasonSyntax},
		{name: "VF-7/b= of another length", tags: tags("b=YWJj"), status: fail, reason: badHeader},
		{name: "VF-7/b= over-long", tags: tags("b=" + strings.Repeat("YWJj", 5000)), status: fail, reason: badHeader},
		{name: "VF-7/bh= of another length", tags: tags("bh=YWJj"), status: fail, reason: badBody},
		{name: "VF-7/bh= over-long", tags: tags("bh=" + strings.Repeat("YWJj", 5000)), status: fail, reason: badBody},
		{name: "VF-7/white space in bh=", tags: tags("bh=" + fold(base64.StdEncoding.EncodeToString(rsaKey().sum(prefix(1, body(plain), ""))))), status: pass},
		{name: "VF-8/default", tags: tags("c"), status: pass},
		{name: "VF-8/one name", tags: tags("c=relaxed"), status: pass},
		{name: "VF-8/unknown", tags: tags("c=nowsp"), status: permerror, reason: dkim.ReasonCanonicalization},
		{name: "VF-9", tags: tags("h=X-From:To"), status: permerror, reason: dkim.ReasonFromNotSigned},
		{name: "VF-9/case", tags: tags("h=fROM:To"), status: pass},
		{name: "VF-10", tags: tags("h=From:"), status: neutral, reason: dkim.ReasonSyntax},
		{name: "VF-10/white space", tags: tags("h= From :\r\n To\t:subject "), status: pass, also: func(t testing.TB, r Result) {
			if got := strings.Join(r.HeaderNames, ":"); got != "From:To:subject" {
				t.Errorf("h=%s", got)
			}
		}},
		{name: "VF-11/one of two", message: received + plain, tags: tags("h=From:Received"), alter: replace("Received: one", "Received: 1"), status: pass},
		{name: "VF-11/the lower of two", message: received + plain, tags: tags("h=From:Received"), alter: replace("Received: two", "Received: 2"), status: fail, reason: badHeader},
		{name: "VF-11/running out", message: received + plain, tags: tags("h=Received:From:Received:Received:received"), status: pass},
		{name: "VF-11/absent", tags: tags("h=From:X-Nobody:X-Nobody"), status: pass},
		{name: "VF-12/itself", tags: tags("h=From:DKIM-Signature"), status: pass},
		{name: "VF-13", tags: tags("i=@notexample.com"), status: permerror, reason: dkim.ReasonIdentity},
		{name: "VF-13/default", status: pass, also: identity("@example.com")},
		{name: "VF-13/case", tags: tags("i=@Sub.EXAMPLE.com"), status: pass, also: identity("@Sub.EXAMPLE.com")},
		{name: "VF-13/encoded", tags: tags("i=a=3Bb@example.com"), status: pass, also: identity("a;b@example.com")},
		{name: "VF-14", tags: tags("q=x:dns/txt:y"), status: pass},
		{name: "VF-15", tags: tags("l=4294967296"), status: permerror, reason: dkim.ReasonBodyLength},
		{name: "VF-16/past", tags: tags("x=1699999000"), status: permerror, reason: dkim.ReasonExpired},
		{name: "VF-16/past, larger skew", tags: tags("x=1699999000"), options: Options{ClockSkew: time.Hour}, status: pass},
		{name: "VF-16/not after t=", tags: tags("t=1699999000", "x=1699999000"), status: permerror, reason: dkim.ReasonExpiryOrder},
		{name: "VF-17", tags: tags("z=From:eve@example.org"), status: pass},
		{name: "VF-18", tags: tags("d=com"), status: neutral, reason: dkim.ReasonSyntax},
		{
			name: "VF-19", tags: tags("d=co.uk", "i=@example.co.uk"), options: Options{RefusedDomains: []string{"com", "CO.uk"}},
			zone: zone{"mail._domainkey.co.uk": {txt: []string{rsaKey().record}}}, status: policy, reason: dkim.ReasonDomainRefused,
		},
		{name: "VF-20", key: sha1Key(), status: permerror, reason: dkim.ReasonSHA1},
		{name: "VF-21", tags: tags("a=rsa-sha512"), status: permerror, reason: dkim.ReasonAlgorithm},
		{name: "VF-22", tags: tags("a=RSA-sha256", "c=Relaxed/RELAXED", "q=DNS/txt"), status: pass},
		{name: "VF-25/temperror", zone: zone{mailKey: {err: errors.New("SERVFAIL")}}, status: temperror, reason: dkim.ReasonDNS, also: named},
		{name: "VF-25/pass", status: pass, also: named},
		{name: "VF-25/fail", alter: behind("x\n"), status: fail, reason: badBody, also: named},
		{name: "VF-26", tags: tags("b=YWJj"), status: fail, reason: badHeader}, // no temperror, which alone may defer mail
		{name: "From/none", message: replace("From: Alice <alice@example.com>\n", "")(plain), status: permerror, reason: dkim.ReasonNoFrom},
		{name: "From/two, both covered", message: "From: Eve <eve@example.org>\r\n" + plain, tags: tags("h=From:From:To"), status: pass},
		{name: "From/two, one covered", message: "From: Eve <eve@example.org>\r\n" + plain, status: policy, reason: dkim.ReasonMultipleFrom},
	})
	for _, name := range []string{"Subject", "To", "Date", "Reply-To", "Cc", "Content-Type", "Message-ID"} {
		two := name + ": x\r\n" + name + ": y\r\n"
		runRows(t, []row{
			{name: "SE-2/second " + name, alter: onTop(name + ": x\n" + name + ": y\n"), tags: tags("h=From"), status: policy, reason: dkim.ReasonDuplicateField},
			{name: "SE-2/two covered " + name, message: two + plain, tags: tags("h=From:" + strings.Repeat(name+":", 3) + "Sender"), status: pass},
			{name: "SE-2/changed and second " + name, alter: replace("From: A", name+": x\n"+name+": y\nFrom: B"), status: fail, reason: badHeader},
		})
	}
}

func named(t testing.TB, r Result) {
	t.Helper()
	if r.Domain != "example.com" || r.Selector != "mail" || r.Algorithm != "rsa-sha256" || r.BPrefix == "" {
		t.Errorf("%+v", r)
	}
}

func body(message string) string {
	_, after, _ := strings.Cut(message, "\r\n\r\n")
	return after
}

func fold(text string) string { return text[:10] + "\r\n\t" + text[10:30] + "  " + text[30:] }

// TestKey is the lines KR that table T has no row for.
func TestKey(t *testing.T) {
	p := rsaKey().p()
	record := func(text string) zone { return publish(strings.ReplaceAll(text, "KEY", p)) }
	n := newNumbers(1024, 3)
	forged := n.key()
	forged.sign = func(digest []byte) []byte { // the block ends early, garbage behind it makes a cube
		block := make([]byte, 128)
		copy(block, append(append([]byte{0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}, prefixSHA256...), digest...))
		root := new(big.Int).SetBytes(block)
		lo, hi := big.NewInt(0), new(big.Int).Lsh(big.NewInt(1), 400)
		for new(big.Int).Sub(hi, lo).Cmp(big.NewInt(1)) > 0 {
			mid := new(big.Int).Rsh(new(big.Int).Add(lo, hi), 1)
			if new(big.Int).Exp(mid, big.NewInt(3), nil).Cmp(root) < 0 {
				lo = mid
			} else {
				hi = mid
			}
		}
		return hi.FillBytes(make([]byte, 128))
	}
	runRows(t, []row{
		{name: "KR-1/three records", zone: publish("v=spf1 -all", "hello", rsaKey().record), status: pass},
		{name: "KR-2", zone: record("v=dkim1; p=KEY"), status: permerror, reason: dkim.ReasonKeySyntax},
		{name: "KR-3/unknown k=", zone: record("v=DKIM1; k=foo; p=KEY"), status: permerror, reason: dkim.ReasonKeyType},
		{name: "KR-4/unknown hashes", zone: record("v=DKIM1; h=x:sha256; p=KEY"), status: pass},
		{name: "KR-5", zone: record("v=DKIM1; s=*; p=KEY"), status: pass},
		{name: "KR-6/case", zone: record("v=DKIM1; t=s; p=KEY"), tags: tags("i=a@EXAMPLE.com"), status: pass},
		{name: "KR-7/pass", zone: record("v=DKIM1; t=y; p=KEY"), status: pass, also: testing1},
		{name: "KR-7/fail", zone: record("v=DKIM1; t=y; p=KEY"), alter: behind("x\n"), status: fail, reason: badBody, also: testing1},
		{name: "KR-7/refused", zone: record("v=DKIM1; t=y; h=sha1; p=KEY"), status: permerror, reason: dkim.ReasonKeyHash, also: testing1},
		{name: "KR-8", zone: publish("v=DKIM1; p= "), status: permerror, reason: dkim.ReasonKeyRevoked},
		{name: "KR-9", zone: record("v=DKIM1; p=KEY"), status: pass},
		{name: "KR-10/FWS in p=", zone: publish("v=DKIM1; p=" + p[:60] + " \t" + p[60:] + " ; foo=; n=;"), status: pass},
		{name: "KR-11", zone: record("v=DKIM1; g=; p=KEY"), status: pass},
		{name: "KR-12/minimum of ours", zone: record("v=DKIM1; p=KEY"), options: Options{MinKeyBits: 2048}, status: permerror, reason: dkim.ReasonKeyTooSmall},
		{name: "KR-12/no lower minimum", key: newNumbers(1023, 65537).key(), options: Options{MinKeyBits: 512}, status: permerror, reason: dkim.ReasonKeyTooSmall},
		{name: "KR-13", zone: record("v=DKIM1; n=" + strings.Repeat("x", 4096) + "; p=KEY"), status: permerror, reason: dkim.ReasonKeySyntax},
		{name: "KR-14", key: edKey(), status: pass},
		{name: "KR-15", key: edKey(), tags: simple, status: pass},
		{name: "KR-16/garbage behind b=", key: testKey{algorithm: "rsa-sha256", record: rsaKey().record, sign: func(digest []byte) []byte { return append(rsaKey().sign(digest), 0) }}, status: fail, reason: badHeader},
		{name: "KR-16/DigestInfo of SHA-1", key: testKey{algorithm: "rsa-sha256", record: n.key().record, sign: func(digest []byte) []byte { return n.sign(prefixSHA1, digest) }}, status: fail, reason: badHeader},
		{name: "KR-17/SPF", zone: publish("v=spf1 -all"), status: permerror, reason: dkim.ReasonKeySyntax},
		{name: "KR-17/garbage", zone: publish("hello"), status: permerror, reason: dkim.ReasonKeySyntax},
		{name: "KR-17/empty", zone: publish(""), status: permerror, reason: dkim.ReasonKeySyntax},
		{name: "SE-9/RSA key, Ed25519 signature", key: edKey(), zone: publish(rsaKey().record), status: permerror, reason: dkim.ReasonKeyType},
		{name: "SE-9/Ed25519 key, RSA signature", zone: publish(edKey().record), status: permerror, reason: dkim.ReasonKeyType},
		{name: "SE-9/Bleichenbacher", key: forged, status: fail, reason: badHeader},
	})
}

func testing1(t testing.TB, r Result) {
	t.Helper()
	if !r.Testing || r.Bits != 1024 {
		t.Errorf("testing %v, %d bits", r.Testing, r.Bits)
	}
}

// counting counts the questions.
type counting struct {
	zone
	asked atomic.Int32
	last  atomic.Value
}

func (c *counting) LookupTXT(ctx context.Context, name string) (Answer, error) {
	c.asked.Add(1)
	c.last.Store(name)
	return c.zone.LookupTXT(ctx, name)
}

func TestLookup(t *testing.T) {
	t.Run("DN-1", func(t *testing.T) {
		for want, err := range map[dkim.Status]error{permerror: fmt.Errorf("NXDOMAIN: %w", ErrNotFound), temperror: errors.New("REFUSED")} {
			r := verify(t, newVerifier(zone{mailKey: {err: err}}, Options{}), seal(t, plain, rsaKey()), 100)
			if r[0].Status != want {
				t.Errorf("%v: %s", err, r[0].Status)
			}
		}
	})
	t.Run("DN-3/one question for each name", func(t *testing.T) {
		message := seal(t, seal(t, seal(t, plain, rsaKey()), rsaKey(), "d=EXAMPLE.com"), rsaKey(), "s=other")
		c := &counting{zone: publish(rsaKey().record)}
		r := verify(t, newVerifier(c, Options{}), message, 100)
		if c.asked.Load() != 2 || r[1].Status != pass || r[2].Status != pass || r[0].Reason != dkim.ReasonNoKey {
			t.Errorf("%d questions, %+v", c.asked.Load(), r)
		}
	})
	t.Run("DN-3/together, and one deadline", func(t *testing.T) {
		message := seal(t, seal(t, plain, rsaKey(), "s=a"), rsaKey(), "s=b")
		r := verify(t, newVerifier(&silent{}, Options{Timeout: time.Nanosecond}), message, 100)
		for _, one := range r {
			if one.Status != temperror || one.Reason != dkim.ReasonDNSTimeout {
				t.Errorf("%s %v", one.Status, one.Err)
			}
		}
		meet := &rendezvous{zone: zone{"a._domainkey.example.com": {txt: []string{rsaKey().record}}, "b._domainkey.example.com": {txt: []string{rsaKey().record}}}, all: make(chan struct{})}
		meet.wait.Store(2)
		for _, one := range verify(t, newVerifier(meet, Options{}), message, 100) {
			if one.Status != pass {
				t.Errorf("%s %v", one.Status, one.Err)
			}
		}
	})
	t.Run("DN-5", func(t *testing.T) {
		c := &counting{}
		verify(t, newVerifier(c, Options{}), seal(t, plain, rsaKey(), "d=BÜCHER.Example", "s=S1"), 100)
		if c.last.Load() != "s1._domainkey.xn--bcher-kva.example" {
			t.Errorf("asked for %v", c.last.Load())
		}
	})
	for _, bad := range []string{"d=a..example", "d=" + strings.Repeat("aaaa.", 50) + "example", "s=a/b", "d=bank.example\"x", "s=a[b", "v=2", "h=To", "x=1"} {
		t.Run("DN-5/nothing asked for "+bad[:min(20, len(bad))], func(t *testing.T) {
			c := &counting{}
			verify(t, newVerifier(c, Options{}), seal(t, plain, rsaKey(), bad), 100)
			if c.asked.Load() != 0 {
				t.Errorf("asked for %v", c.last.Load())
			}
		})
	}
	t.Run("SE-11/a look-up that panics", func(t *testing.T) {
		r := verify(t, newVerifier(panicking{}, Options{}), seal(t, plain, rsaKey()), 100)
		if r[0].Status != temperror || r[0].Reason != dkim.ReasonDNS {
			t.Errorf("%+v", r[0])
		}
	})
	t.Run("DNSSEC", func(t *testing.T) {
		r := verify(t, newVerifier(zone{mailKey: {txt: []string{rsaKey().record}, secure: true}}, Options{}), seal(t, plain, rsaKey()), 100)
		if !r[0].Secure || r[0].Status != pass {
			t.Errorf("%+v", r[0])
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		fields, _, err := dkim.ParseFields([]byte(seal(t, plain, rsaKey())))
		if err != nil {
			t.Fatal(err)
		}
		s := &silent{ended: make(chan struct{})}
		newVerifier(s, Options{Timeout: time.Hour}).Begin(t.Context(), fields).Release() // as after ABORT
		<-s.ended
	})
}

// silent answers when nobody waits any more.
type silent struct{ ended chan struct{} }

func (s *silent) LookupTXT(ctx context.Context, _ string) (Answer, error) {
	<-ctx.Done()
	if s.ended != nil {
		close(s.ended)
	}
	return Answer{}, ctx.Err()
}

// rendezvous answers when all questions are there.
type rendezvous struct {
	zone
	wait atomic.Int32
	all  chan struct{}
}

func (r *rendezvous) LookupTXT(ctx context.Context, name string) (Answer, error) {
	if r.wait.Add(-1) == 0 {
		close(r.all)
	}
	<-r.all
	return r.zone.LookupTXT(ctx, name)
}

type panicking struct{}

func (panicking) LookupTXT(context.Context, string) (Answer, error) { panic("at the disco") }
