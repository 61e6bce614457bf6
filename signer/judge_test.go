package signer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	msgauth "github.com/emersion/go-msgauth/dkim"

	"github.com/postseal/postseal/dkim"
)

// records is the DNS of a test.
type records map[string]string

func publish(keys ...Key) records {
	r := make(records)
	for _, k := range keys {
		r[dkim.RecordName(k.Selector, k.Domain)] = k.Private.PublicRecord()
	}
	return r
}

func (r records) LookupTXT(name string) ([]string, error) {
	if txt, ok := r[strings.TrimSuffix(name, ".")]; ok {
		return []string{txt}, nil
	}
	return nil, fmt.Errorf("no record at %s", name)
}

// judge asks go-msgauth, an implementation that shares no code with ours. It returns a verdict for each signature, the top one first.
func judge(t testing.TB, message string, r records) []*msgauth.Verification {
	t.Helper()
	v, err := msgauth.VerifyWithOptions(strings.NewReader(message), &msgauth.VerifyOptions{LookupTXT: r.LookupTXT})
	if err != nil {
		t.Fatalf("go-msgauth: %v\n%s", err, message)
	}
	return v
}

func mustPass(t testing.TB, message string, r records, signatures int) {
	t.Helper()
	v := judge(t, message, r)
	if len(v) != signatures {
		t.Errorf("%d signatures, want %d", len(v), signatures)
	}
	for _, one := range v {
		if one.Err != nil {
			t.Errorf("go-msgauth: d=%s: %v\n%q", one.Domain, one.Err, message)
		}
	}
}

func mustFail(t testing.TB, message string, r records) {
	t.Helper()
	for _, one := range judge(t, message, r) {
		if one.Err == nil {
			t.Errorf("go-msgauth passes d=%s\n%q", one.Domain, message)
		}
	}
}

var pairs = []string{"simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"}

const dinner = "From: Joe SixPack <joe@football.example.com>\n" +
	"To: Suzie Q <suzie@shopping.example.net>\n" +
	"Subject: Is dinner ready?\n" +
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\n" +
	"Message-ID: <20030712040037.46341.5F8J@football.example.com>\n" +
	"\n" +
	"Hi.\n\nWe lost the game.  Are you hungry yet?\n\nJoe.\n"

func TestEveryKeyAndCanonicalizationVerifies(t *testing.T) {
	keys := map[string]*dkim.PrivateKey{"ed25519": generate(t, dkim.Ed25519SHA256, 0)}
	for _, bits := range []int{1024, 2048, 3072, 4096} {
		keys[fmt.Sprint("rsa", bits)] = generate(t, dkim.RSASHA256, bits)
	}
	for name, private := range keys {
		for _, c := range pairs {
			t.Run(name+" "+c, func(t *testing.T) {
				k := Key{Domain: "example.com", Selector: "mail", Identity: "joe@football.example.com", Private: private}
				message := crlf(dinner)
				s := sign(t, message, 7, Options{Canonicalization: pair(t, c)}, time.Now(), k)
				mustPass(t, seal(t, message, s), publish(k), 1)
				if _, v := tags(s[0].Value); v["a"] != private.Algorithm().String() || v["c"] != c {
					t.Errorf("a=%s c=%s", v["a"], v["c"])
				}
			})
		}
	}
}

func TestOddMessagesVerify(t *testing.T) {
	messages := map[string]string{
		"no body":                     "From: a@b.example\r\n\r\n",
		"empty lines only":            "From: a@b.example\r\n\r\n\r\n\r\n\r\n",
		"no final CRLF":               "From: a@b.example\r\n\r\nx",
		"trailing empty lines":        "From: a@b.example\r\n\r\nx \t\r\n\r\n \r\n\r\n",
		"blanks everywhere":           "From: a@b.example\r\n\r\n \t x  y\t\tz \r\n\t\r\n. \r\n..\r\n",
		"8-bit body":                  "From: a@b.example\r\n\r\n\xff\xfe\x00 \xa0\r\n",
		"long line":                   "From: a@b.example\r\n\r\n" + strings.Repeat("x", 70000) + "\r\n",
		"many empty lines, then text": "From: a@b.example\r\n\r\n" + strings.Repeat("\r\n", 70000) + "x\r\n",
		"tabs and folds":              "FROM:\ta@b.example\r\nSubject:\r\n\t a \t b \r\n  c\t\r\nTo: x\r\n \r\n\ty\r\n\r\nx\r\n",
		"8-bit header":                "From: \xc3\xa9\xff <a@b.example>\r\nSubject: \xa0x\xa0\r\n\r\nx\r\n",
		"empty values":                "From: a@b.example\r\nSubject:\r\nTo: \r\nCc:\t \r\n\r\nx\r\n",
		"repeated fields":             "To: 1\r\nFrom: a@b.example\r\nto: 2\r\nTO: 3\r\nReferences: a\r\nReferences: b\r\n\r\nx\r\n",
		"two From":                    "From: a@b.example\r\nSubject: x\r\nfrom: c@d.example\r\n\r\nx\r\n",
		"other signatures":            "DKIM-Signature: v=1; a=rsa-sha1\r\nFrom: a@b.example\r\n\r\nx\r\n",
	}
	k := Key{Domain: "b.example", Selector: "s", Private: generate(t, dkim.Ed25519SHA256, 0)}
	for name, message := range messages {
		for _, c := range pairs {
			t.Run(name+" "+c, func(t *testing.T) {
				var first string
				for _, chunk := range []int{1, 3, 1000, 65535} {
					s := sign(t, message, chunk, Options{Canonicalization: pair(t, c)}, epoch, k)
					if first == "" {
						first = s[0].Value
						v := judge(t, seal(t, message, s), publish(k))
						if len(v) == 0 || v[0].Err != nil { // v[1], if any, is of a signature that the message came with
							t.Fatalf("go-msgauth: %v\n%q", v, seal(t, message, s))
						}
					}
					if s[0].Value != first {
						t.Errorf("chunks of %d make another signature", chunk)
					}
				}
			})
		}
	}
}

// A message that ends with its header has the same signature as one with the empty line behind it.
func TestHeaderWithoutEmptyLine(t *testing.T) {
	k := Key{Domain: "b.example", Selector: "s", Private: generate(t, dkim.Ed25519SHA256, 0)}
	with, without := sign(t, "From: a@b.example\r\n\r\n", 1, Options{}, epoch, k), sign(t, "From: a@b.example", 1, Options{}, epoch, k)
	if with[0] != without[0] {
		t.Errorf("%v and %v", with, without)
	}
}

func TestOneOctetChangedFails(t *testing.T) {
	k := Key{Domain: "example.com", Selector: "mail", Private: generate(t, dkim.Ed25519SHA256, 0)}
	message := crlf(dinner)
	for _, c := range pairs {
		sealed := seal(t, message, sign(t, message, 100, Options{Canonicalization: pair(t, c)}, time.Now(), k))
		mustPass(t, sealed, publish(k), 1)
		for _, change := range [][2]string{
			{"Joe SixPack", "Joe sixPack"},
			{"dinner ready?", "dinner ready!"},
			{"lost the game", "lost tha game"},
			{"Joe.\r\n", "Joe.\r\n.\r\n"},
			{"q=dns/txt;", "q=dns/txt; n=;"},
		} {
			t.Run(c+" "+change[1], func(t *testing.T) {
				changed := strings.Replace(sealed, change[0], change[1], 1)
				if changed == sealed {
					t.Fatalf("%q is not in the message", change[0])
				}
				mustFail(t, changed, publish(k))
			})
		}
	}
}

func TestOversignedFieldsCannotBeAdded(t *testing.T) {
	k := Key{Domain: "example.com", Selector: "mail", Private: generate(t, dkim.Ed25519SHA256, 0)}
	message := crlf(dinner)
	sealed := seal(t, message, sign(t, message, 100, Options{Canonicalization: pair(t, "relaxed/relaxed")}, time.Now(), k))
	tests := []struct {
		field string
		pass  bool
	}{
		{"From: evil@example.net", false},
		{"Subject: other", false},
		{"To: other", false},
		{"Cc: added", false},
		{"Reply-To: added", false},
		{"Date: other", false},
		{"Message-ID: other", false},
		{"Received: by a relay", true},
		{"List-Id: a list", true},
		{"MIME-Version: 1.0", true},
	}
	for _, tt := range tests {
		t.Run(tt.field, func(t *testing.T) {
			if tt.pass {
				mustPass(t, tt.field+"\r\n"+sealed, publish(k), 1)
			} else {
				mustFail(t, tt.field+"\r\n"+sealed, publish(k))
			}
		})
	}
}

// SG-2, SG-17: RSA and Ed25519 over one message, in both orders; and a key that cannot sign leaves its siblings alone.
func TestSeveralKeys(t *testing.T) {
	r := Key{Domain: "example.com", Selector: "r", Private: generate(t, dkim.RSASHA256, 2048)}
	e := Key{Domain: "example.com", Selector: "e", Private: generate(t, dkim.Ed25519SHA256, 0)}
	other := Key{Domain: "example.net", Selector: "r", Private: r.Private}
	message := crlf(dinner)
	for name, keys := range map[string][]Key{"r e": {r, e}, "e r": {e, r}, "e r other": {e, r, other}} {
		t.Run(name, func(t *testing.T) {
			s := sign(t, message, 100, Options{}, time.Now(), keys...)
			for i := range s {
				if s[i].Key != keys[i] {
					t.Errorf("signature %d is of %s", i, s[i].Key.Selector)
				}
			}
			mustPass(t, seal(t, message, s), publish(keys...), len(keys))
		})
	}
	t.Run("one of them broken", func(t *testing.T) {
		s := sign(t, message, 100, Options{}, time.Now(), Key{Domain: "example.com", Selector: "none"}, e, Key{Domain: "bad", Selector: "s", Private: r.Private}, r)
		if s[0].Err == nil || s[0].Value != "" || s[2].Err == nil {
			t.Errorf("no error for a key that cannot sign: %v, %v", s[0].Err, s[2].Err)
		}
		mustPass(t, seal(t, message, []Signature{s[1], s[3]}), publish(r, e), 2)
	})
}

// What a milter hands to the MTA has LF folds, and what arrives has CRLF again; what is hashed is exactly what is emitted.
func TestFieldSurvivesSimple(t *testing.T) {
	k := Key{Domain: "example.com", Selector: "mail", Private: generate(t, dkim.RSASHA256, 1024)}
	message := crlf(dinner)
	sealed := seal(t, message, sign(t, message, 100, Options{}, time.Now(), k))
	mustPass(t, crlf(strings.ReplaceAll(sealed, "\r\n", "\n")), publish(k), 1)
	refolded := strings.Replace(sealed, ";\r\n ", ";\r\n\t", 1)
	mustFail(t, refolded, publish(k))
}
