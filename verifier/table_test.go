package verifier

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
)

// TestTable is the rows of table T that concern verifying, in its order. T34, T35 and T39 are also among the tests of dkim.
func TestTable(t *testing.T) {
	t.Run("header", func(t *testing.T) { runRows(t, headerRows()) })
	t.Run("body", func(t *testing.T) { runRows(t, bodyRows()) })
	t.Run("tags", func(t *testing.T) { runRows(t, tagRows()) })
	t.Run("keys", func(t *testing.T) { runRows(t, keyRows()) })
	t.Run("numbers", func(t *testing.T) { runRows(t, numberRows()) })
}

var (
	simple  = []string{"c=simple/simple"}
	relaxed = []string{"c=relaxed/relaxed"}
)

func tags(list ...string) []string { return list }

const (
	pass      = dkim.Pass
	fail      = dkim.Fail
	policy    = dkim.Policy
	neutral   = dkim.Neutral
	permerror = dkim.PermError
	temperror = dkim.TempError

	badHeader = dkim.ReasonSignature
	badBody   = dkim.ReasonBodyHash
)

func headerRows() []row {
	refold := replace("Subject: Is dinner ready?", "Subject:\t Is \t dinner\n\tready? ")
	received := "Received: one\nReceived: two\n"
	spaced := func(value string) string { return replace("Subject: Is dinner ready?", "Subject:"+value)(plain) }
	return []row{
		{name: "T1/relaxed", alter: refold, tags: relaxed, status: pass},
		{name: "T1/simple", alter: refold, tags: simple, status: fail, reason: badHeader},
		{name: "T2/relaxed", message: spaced(""), alter: replace("Subject:\n", "Subject: \t\n"), status: pass},
		{name: "T2/simple", message: spaced(""), tags: simple, alter: replace("Subject:\n", "Subject: \n"), status: fail, reason: badHeader},
		{name: "T3", alter: replace("Subject: Is", "Subject \t: Is"), status: pass},
		{name: "T4/NBSP", message: spaced(" x\u00a0"), status: pass},
		{name: "T4/NBSP is not dropped", message: spaced(" x\u00a0"), alter: replace("x\u00a0", "x"), status: fail, reason: badHeader},
		{name: "T4/VT and FF", message: spaced(" x\v\f"), alter: replace("x\v\f", "x\v\f "), status: pass},
		{name: "T4/VT and FF are not dropped", message: spaced(" x\v\f"), alter: replace("x\v\f", "x"), status: fail, reason: badHeader},
		{name: "T5", tags: simple, alter: refoldB, status: pass},
		{name: "T6/zb=", tags: tags("zb=1"), status: pass},
		{name: "T6/x-b=", tags: tags("x-b=1"), status: pass},
		{name: "T6/n=", tags: tags("n=abc b=def"), status: pass},
		{name: "T6/z=", tags: tags("z=From:x|Subject:b=3D1"), status: pass},
		{name: "T6/simple", tags: tags("c=simple", "zb=1", "n=abc b=def", "z=b=3D1"), status: pass},
		{name: "T12", message: crlf(received) + plain, tags: tags("h=From:Received:Received"), alter: func(m string) string {
			return strings.Replace(m, "Received: one", "Received: zero\r\nReceived: one", 1)
		}, status: pass},
		{name: "T13", message: crlf(received) + plain, tags: tags("h=From:Received:Received"), alter: replace(received, "Received: two\nReceived: one\n"), status: fail, reason: badHeader},
		{name: "T14", tags: tags("h=From:From:To"), alter: onTop("From: Eve <eve@example.org>\n"), status: fail, reason: badHeader},
		{name: "T15/From", alter: onTop("From: Eve <eve@example.org>\n"), status: policy, reason: dkim.ReasonMultipleFrom},
		{name: "T15/Subject", alter: onTop("Subject: Pay here\n"), status: policy, reason: dkim.ReasonDuplicateField},
		{name: "T16/absent", tags: tags("h=From:Reply-To:Cc:Foo"), status: pass},
		{name: "T16/added later", tags: tags("h=From:Reply-To"), alter: onTop("Reply-To: eve@example.org\n"), status: fail, reason: badHeader},
		{name: "T17", message: crlf(received) + plain, tags: tags("h=From:from:FROM:Received:RECEIVED"), status: pass},
	}
}

// refoldB folds b= at other places.
func refoldB(message string) string {
	at := strings.Index(message, " b=") + len(" b=")
	end := at + strings.Index(message[at:], "\r\n")
	b := message[at:end]
	return message[:at] + "\r\n\t" + b[:20] + " \r\n   " + b[20:] + message[end:]
}

func bodyRows() []row {
	withBody := func(body string) string { return plain[:strings.Index(plain, "\r\n\r\n")+4] + crlf(body) }
	lost := func(message string) string { return strings.TrimSuffix(message, "\r\n") }
	l := func(n int) []string { return tags(fmt.Sprintf("l=%d", n)) }
	const text = "Hi.\n\nHow are you?\n"
	size := len(crlf(text))
	rows := []row{
		{name: "T8/signed without", message: withBody("Hi."), status: pass},
		{name: "T8/signed without, simple", message: withBody("Hi."), tags: simple, status: pass},
		{name: "T8/lost", alter: lost, status: pass},
		{name: "T8/lost, simple", alter: lost, tags: simple, status: pass},
		{name: "T9/relaxed", alter: behind(" \t\n\n \n"), status: pass},
		{name: "T9/simple", alter: behind(" \t\n"), tags: simple, status: fail, reason: badBody},
		{name: "T10/kept", message: withBody("Hi.") + "\nbare\r\n", status: pass},
		{name: "T10/kept, simple", message: withBody("Hi.") + "\nbare\r\n", tags: simple, status: pass},
		{name: "T10/made CRLF", message: withBody("Hi.") + "\nbare\r\n", alter: func(m string) string {
			return strings.Replace(m, "Hi.\nbare", "Hi.\r\nbare", 1)
		}, status: fail, reason: badBody},
		{name: "T11", message: withBody("a\n\nb \n c\n\n\n"), status: pass}, // row.run splits at each octet
		{name: "T18/exact", message: withBody(text), tags: l(size), status: pass},
		{name: "T18/short and appended", message: withBody(text), tags: l(size), alter: behind("Buy now!\n"), status: policy, reason: dkim.ReasonPartialBody},
		{name: "T18/short and appended, allowed", message: withBody(text), tags: l(size), alter: behind("Buy now!\n"), options: Options{AllowPartialBody: true}, status: pass},
		{name: "T18/short and changed", message: withBody(text), tags: l(size), alter: replace("Hi.", "Ho."), status: fail, reason: badBody},
		{name: "T18/0", message: withBody(text), tags: l(0), status: policy, reason: dkim.ReasonPartialBody},
		{name: "T18/larger", message: withBody(text), tags: l(size + 1), status: permerror, reason: dkim.ReasonBodyLength},
		{name: "T18/2^64+n", message: withBody(text), tags: tags(fmt.Sprintf("l=%d%d", 1844674407370955, 1616+size)), status: permerror, reason: dkim.ReasonBodyLength},
	}
	for _, c := range []string{"simple/simple", "relaxed/relaxed"} {
		for name, body := range map[string]string{"empty lines only": "\n\n\n", "no body": "", "one empty line": "\n"} {
			rows = append(rows,
				row{name: "T7/" + name + "/" + c, message: withBody(body), tags: tags("c=" + c), status: pass},
				row{name: "T7/" + name + "/" + c + "/l=", message: withBody(body), tags: tags("c="+c, fmt.Sprintf("l=%d", emptySize[c])), status: pass})
		}
	}
	return rows
}

// emptySize is the length of an empty body's canonical form.
var emptySize = map[string]int{"simple/simple": 2, "relaxed/relaxed": 0}

func tagRows() []row {
	at := func(name string, offset time.Duration) string {
		return fmt.Sprintf("%s=%d", name, noon.Add(offset).Unix())
	}
	const year = 365 * 24 * time.Hour
	record := func(tag string) zone { return publish("v=DKIM1; " + tag + "; p=" + rsaKey().p()) }
	return []row{
		{name: "T19/x= past", tags: tags(at("t", -2*time.Hour), at("x", -time.Hour)), status: permerror, reason: dkim.ReasonExpired},
		{name: "T19/x= past, within skew", tags: tags(at("t", -2*time.Hour), at("x", -4*time.Minute)), status: pass},
		{name: "T19/x= past, no skew", tags: tags(at("x", -time.Minute)), options: Options{ClockSkew: -1}, status: permerror, reason: dkim.ReasonExpired},
		{name: "T19/x= to come", tags: tags(at("t", -2*time.Hour), at("x", time.Hour)), status: pass, also: func(t testing.TB, r Result) {
			if !r.Time.Equal(noon.Add(-2*time.Hour)) || !r.Expiry.Equal(noon.Add(time.Hour)) {
				t.Errorf("t=%v x=%v", r.Time, r.Expiry)
			}
		}},
		{name: "T19/x= before t=", tags: tags(at("t", 0), at("x", -1*time.Second)), status: permerror, reason: dkim.ReasonExpiryOrder},
		{name: "T19/x= equals t=", tags: tags(at("t", time.Second), at("x", time.Second)), status: permerror, reason: dkim.ReasonExpiryOrder},
		{name: "T19/t= within skew", tags: tags(at("t", 4*time.Minute)), status: pass},
		{name: "T19/t= 2096", tags: tags(at("t", 73*year)), status: policy, reason: dkim.ReasonFuture},
		{name: "T19/t= over 64 bits", tags: tags("t=99999999999999999999999999"), status: policy, reason: dkim.ReasonFuture},
		{name: "T19/x= over 64 bits", tags: tags("x=99999999999999999999999999"), status: pass},
		{name: "T20/with t=s", tags: tags("i=@sub.example.com"), zone: record("t=s"), status: permerror, reason: dkim.ReasonKeyIdentity},
		{name: "T20/without", tags: tags("i=@sub.example.com"), status: pass, also: identity("@sub.example.com")},
		{name: "T21", tags: tags("d=tricky.example", "i=alice@eviltricky.example"), status: permerror, reason: dkim.ReasonIdentity},
		{name: "T22/known too", tags: tags("q=http:dns/txt"), status: pass},
		{name: "T22/only unknown", tags: tags("q=http"), status: permerror, reason: dkim.ReasonQueryMethod},
		{name: "T33", key: sha1Key(), status: permerror, reason: dkim.ReasonSHA1},
		{name: "T33/key permits sha1", key: sha1Key(), zone: record("h=sha1"), status: permerror, reason: dkim.ReasonSHA1},
		{name: "T34/0.5", tags: tags("v=0.5"), status: permerror, reason: dkim.ReasonVersion},
		{name: "T34/2", tags: tags("v=2"), status: permerror, reason: dkim.ReasonVersion},
		{name: "T34/01", tags: tags("v=01"), status: permerror, reason: dkim.ReasonVersion},
		{name: "T35/d=", alter: replace(" d=example.com;", " d=example.com; d=example.com;"), status: neutral, reason: dkim.ReasonSyntax},
		{name: "T35/unknown", tags: tags("foo=1;foo=1"), status: neutral, reason: dkim.ReasonSyntax},
		{name: "T37", tags: tags("i==0D=0AX-Injected:=20yes@example.com"), status: pass, also: identity("\r\nX-Injected: yes@example.com")},
		{name: "T38", tags: tags("i=x=3B=20dkim=3Dpass=20header.d=3Dbank.example@example.com"), status: pass, also: identity("x; dkim=pass header.d=bank.example@example.com")},
		{name: "T39", tags: tags("d=bank.example(.tricky.example"), status: neutral, reason: dkim.ReasonSyntax, also: func(t testing.TB, r Result) {
			if r.Domain != "" || r.Identity != "" {
				t.Errorf("d=%q i=%q", r.Domain, r.Identity)
			}
		}},
	}
}

func identity(want string) func(testing.TB, Result) {
	return func(t testing.TB, r Result) {
		t.Helper()
		if r.Identity != want {
			t.Errorf("identity %q, want %q", r.Identity, want)
		}
	}
}

// sha1Key makes signatures that were right once.
func sha1Key() testKey {
	k := newNumbers(1024, 65537)
	return testKey{algorithm: "rsa-sha1", record: k.key().record, sha1: true, sign: func(digest []byte) []byte { return k.sign(prefixSHA1, digest) }}
}

func keyRows() []row {
	p := rsaKey().p()
	record := func(format string) zone { return publish(fmt.Sprintf(format, p)) }
	bare := newNumbers(1024, 65537)
	ed, err := base64.StdEncoding.DecodeString(edKey().p())
	if err != nil {
		panic(err)
	}
	edRecord := func(key []byte) zone {
		return publish("v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(key))
	}
	spki := append([]byte{0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0}, ed...)
	other := generate(dkim.RSASHA256, 1024).record
	const spf = "v=spf1 include:_spf.example.com -all"
	return []row{
		{name: "T23/g=", zone: record("v=DKIM1; g=bob; p=%s"), status: pass},
		{name: "T23/no k=", zone: record("v=DKIM1; p=%s"), status: pass},
		{name: "T23/h=sha1", zone: record("v=DKIM1; h=sha1; p=%s"), status: permerror, reason: dkim.ReasonKeyHash},
		{name: "T23/s=other", zone: record("v=DKIM1; s=other; p=%s"), status: permerror, reason: dkim.ReasonKeyService},
		{name: "T23/s=other:email", zone: record("v=DKIM1; s=other:email; p=%s"), status: pass},
		{name: "T24", zone: record("k=rsa; v=DKIM1; p=%s"), status: permerror, reason: dkim.ReasonKeySyntax},
		{name: "T25/empty", zone: publish("v=DKIM1; p="), status: permerror, reason: dkim.ReasonKeyRevoked},
		{name: "T25/missing", zone: publish("v=DKIM1; k=rsa"), status: permerror, reason: dkim.ReasonKeySyntax},
		{name: "T25/quoted", zone: record(`v=DKIM1; p="%s"`), status: permerror, reason: dkim.ReasonKeySyntax},
		{name: "T25/truncated", zone: publish(("v=DKIM1; k=rsa; p=" + newNumbers(2048, 65537).p(big.NewInt(65537)))[:255]), status: permerror, reason: dkim.ReasonKeySyntax},
		{name: "T26", key: bare.key(), zone: publish("v=DKIM1; p=" + base64.StdEncoding.EncodeToString(bare.pkcs1(bare.e))), status: pass},
		{name: "T27", zone: publish("v=DKIM1; p=" + p + "; p=" + p), status: permerror, reason: dkim.ReasonKeySyntax},
		{name: "T28/SPF first", zone: publish(spf, rsaKey().record), status: pass},
		{name: "T28/wrong key first", zone: publish(other, rsaKey().record), status: pass},
		{name: "T28/revoked first", zone: publish("v=DKIM1; p=", rsaKey().record), status: pass},
		{name: "T28/only wrong keys", zone: publish(other, spf), status: fail, reason: badHeader},
		{name: "T28/fourth key", zone: publish(other, other, spf, other, rsaKey().record), status: fail, reason: badHeader},
		{name: "T29/NXDOMAIN", zone: zone{}, status: permerror, reason: dkim.ReasonNoKey},
		{name: "T29/NODATA", zone: publish(), status: permerror, reason: dkim.ReasonNoKey},
		{name: "T29/SERVFAIL", zone: zone{mailKey: {err: errors.New("SERVFAIL")}}, status: temperror, reason: dkim.ReasonDNS},
		{name: "T29/time-out", zone: zone{mailKey: {err: fmt.Errorf("ask 192.0.2.1: %w", context.DeadlineExceeded)}}, status: temperror, reason: dkim.ReasonDNSTimeout},
		{name: "T32/right", key: edKey(), status: pass, also: bits(256)},
		{name: "T32/31", key: edKey(), zone: edRecord(ed[:31]), status: permerror, reason: dkim.ReasonKeySyntax},
		{name: "T32/33", key: edKey(), zone: edRecord(append(ed[:32:32], 0)), status: permerror, reason: dkim.ReasonKeySyntax},
		{name: "SE-9/a point of small order", key: testKey{algorithm: "ed25519-sha256", sign: func([]byte) []byte { return append([]byte{1}, make([]byte, 63)...) }}, zone: edRecord(append([]byte{1}, make([]byte, 31)...)), status: permerror, reason: dkim.ReasonKeySyntax},
		{name: "T32/SPKI", key: edKey(), zone: edRecord(spki), status: permerror, reason: dkim.ReasonKeySyntax},
	}
}

func bits(want int) func(testing.TB, Result) {
	return func(t testing.TB, r Result) {
		t.Helper()
		if r.Bits != want {
			t.Errorf("%d bits, want %d", r.Bits, want)
		}
	}
}

func numberRows() []row {
	size := func(bitLen int) row {
		return row{name: fmt.Sprintf("T30/%d", bitLen), key: newNumbers(bitLen, 65537).key(), also: bits(bitLen)}
	}
	var rows []row
	for _, small := range []int{512, 768, 1023} {
		r := size(small)
		r.status, r.reason = permerror, dkim.ReasonKeyTooSmall
		rows = append(rows, r)
	}
	for _, good := range []int{1024, 2048, 4096} {
		r := size(good)
		r.status = pass
		rows = append(rows, r)
	}
	for _, large := range []int{8192, 16384} {
		r := size(large)
		r.status, r.reason = policy, dkim.ReasonKeyTooLarge
		if large > dkim.MaxVerifyBits { // never computed with, so anything will do for b=
			r.key.sign = func(digest []byte) []byte { return digest }
		}
		rows = append(rows, r)
		r.name, r.options.MaxKeyBits = r.name+" allowed", large
		if large == 8192 {
			r.status, r.reason = pass, ""
		}
		rows = append(rows, r)
	}
	n := newNumbers(1024, 65537)
	exponent := func(name string, e *big.Int) row {
		return row{name: "T31/" + name, key: n.withExponent(e), status: permerror, reason: dkim.ReasonKeySyntax}
	}
	return append(rows,
		row{name: "T31/3", key: newNumbers(1024, 3).key(), status: pass},
		exponent("1", big.NewInt(1)),
		exponent("even", big.NewInt(65536)),
		exponent("2^33+1", big.NewInt(1<<33+1)),
		exponent("2^1030", new(big.Int).Lsh(big.NewInt(1), 1030)),
	)
}
