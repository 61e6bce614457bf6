package signer

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
)

func TestTags(t *testing.T) {
	k := Key{Domain: "example.com", Selector: "mail", Private: generate(t, dkim.Ed25519SHA256, 0)}
	withIdentity := k
	withIdentity.Identity = "@mx.example.com"
	tests := []struct {
		name  string
		key   Key
		o     Options
		order string
		want  map[string]string
	}{
		{"plain", k, Options{}, "v a c d s q t h bh b", map[string]string{
			"v": "1", "a": "ed25519-sha256", "c": "simple/simple", "d": "example.com", "s": "mail", "q": "dns/txt", "t": "1528637909",
			"h": "From:To:Subject:Date:Message-ID:From:Subject:To:Cc:Reply-To:Date:Message-ID",
		}},
		{"identity and expiry", withIdentity, Options{Expire: 36 * time.Hour}, "v a c d s i q t x h bh b", map[string]string{
			"i": "@mx.example.com", "x": "1528767509",
		}},
		{"selection", k, Options{Canonicalization: pair(t, "relaxed"), Headers: compile(t, dkim.Selection{Sign: []string{"Subject"}})}, "v a c d s q t h bh b", map[string]string{
			"c": "relaxed/simple", "h": "From:Subject",
		}},
		{"expiry below a second", k, Options{Expire: time.Second - 1}, "v a c d s q t h bh b", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := sign(t, crlf(dinner), 100, tt.o, epoch, tt.key)
			if s[0].Err != nil {
				t.Fatal(s[0].Err)
			}
			names, values := tags(s[0].Value)
			if got := strings.Join(names, " "); got != tt.order {
				t.Errorf("tags %s, want %s", got, tt.order)
			}
			for name, want := range tt.want {
				if values[name] != want {
					t.Errorf("%s=%s, want %s", name, values[name], want)
				}
			}
		})
	}
}

// SG-9: the local part of i= is DKIM-Quoted-Printable. (A local part with "b=" would trip go-msgauth, which cuts there.)
func TestIdentityIsEncoded(t *testing.T) {
	private := generate(t, dkim.Ed25519SHA256, 0)
	for local, want := range map[string]string{
		"": "", "joe": "joe", "a.b+c/d:e<f>?@": "a.b+c/d:e<f>?@",
		"a b": "a=20b", "a;c=d": "a=3Bc=3Dd", "\r\nX: y": "=0D=0AX:=20y", "\x00\x7f\xff": "=00=7F=FF", "é": "=C3=A9",
	} {
		k := Key{Domain: "example.com", Selector: "mail", Identity: local + "@example.com", Private: private}
		message := crlf(dinner)
		s := sign(t, message, 100, Options{}, time.Now(), k)
		if s[0].Err != nil {
			t.Errorf("%q: %v", local, s[0].Err)
			continue
		}
		if _, v := tags(s[0].Value); v["i"] != want+"@example.com" {
			t.Errorf("%q became i=%s", local, v["i"])
		}
		mustPass(t, seal(t, message, s), publish(k), 1)
	}
}

// SG-11: no line of 78 octets or more where a fold is allowed, no blank at the end of a line, none around "=".
func TestLayout(t *testing.T) {
	long := strings.Repeat("a", 60)
	keys := []Key{
		{Domain: "example.com", Selector: "mail", Private: generate(t, dkim.RSASHA256, 1024)},
		{Domain: "example.com", Selector: "mail", Identity: "some.body@very.deep.below.the.example.com", Private: generate(t, dkim.RSASHA256, 4096)},
		{Domain: long + ".example", Selector: long, Identity: "@" + long + ".example", Private: generate(t, dkim.Ed25519SHA256, 0)},
	}
	header := "From: x\r\n"
	for i := range 68 {
		header += strings.Repeat("N", i+1) + ": x\r\n"
	}
	var all dkim.Selection
	for i := range 68 {
		all.Sign = append(all.Sign, strings.Repeat("n", i+1))
	}
	for _, o := range []Options{{}, {Expire: time.Hour, Headers: compile(t, all)}, {Canonicalization: pair(t, "relaxed/relaxed"), Headers: compile(t, dkim.Selection{})}} {
		for _, s := range sign(t, header+"\r\n", 1, o, epoch, keys...) {
			if s.Err != nil {
				t.Fatal(s.Err)
			}
			for i, line := range strings.Split("DKIM-Signature: "+s.Value, "\r\n") {
				if len(line) > 77 {
					t.Errorf("a line of %d octets: %q", len(line), line)
				}
				if strings.TrimRight(line, " \t") != line || strings.Contains(line, "= ") || strings.Contains(line, " =") || strings.ContainsAny(line, "\r\n\t") {
					t.Errorf("stray white space: %q", line)
				}
				if i > 0 && (len(line) < 2 || line[0] != ' ' || line[1] == ' ') {
					t.Errorf("not folded with one blank: %q", line)
				}
			}
		}
	}
}

// A value that may not be folded gets a line of its own and is still far below 998 octets (RFC 5322 section 2.1.1).
func TestLongNamesStayWhole(t *testing.T) {
	domain := strings.Repeat(strings.Repeat("d", 49)+".", 3) + "example"
	selector := strings.Repeat("s", 60) + "." + strings.Repeat("s", 20)
	k := Key{Domain: domain, Selector: selector, Identity: strings.Repeat("=", 64) + "@" + domain, Private: generate(t, dkim.Ed25519SHA256, 0)}
	message := crlf(dinner)
	s := sign(t, message, 100, Options{}, time.Now(), k)
	sealed := seal(t, message, s)
	mustPass(t, sealed, publish(k), 1)
	for _, whole := range []string{"\r\n d=" + domain + ";\r\n", "\r\n s=" + selector + ";\r\n", "@" + domain + ";\r\n"} {
		if !strings.Contains(sealed, whole) {
			t.Errorf("%q is not whole:\n%s", whole, sealed)
		}
	}
	for line := range strings.SplitSeq(sealed, "\r\n") {
		if len(line) > 998 {
			t.Errorf("a line of %d octets", len(line))
		}
	}
}

func TestSignIsDeterministic(t *testing.T) {
	keys := []Key{
		{Domain: "example.com", Selector: "r", Private: generate(t, dkim.RSASHA256, 1024)},
		{Domain: "example.com", Selector: "e", Private: generate(t, dkim.Ed25519SHA256, 0)},
	}
	a, b := sign(t, crlf(dinner), 1, Options{}, epoch, keys...), sign(t, crlf(dinner), 99, Options{}, epoch, keys...)
	if !slices.Equal(a, b) {
		t.Error("the same message was signed differently")
	}
}

func TestCheckRefuses(t *testing.T) {
	private := generate(t, dkim.Ed25519SHA256, 0)
	good := Key{Domain: "example.com", Selector: "mail", Private: private}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for _, identity := range []string{"@example.com", "a@EXAMPLE.com", "a@b.example.com", `"x@y"@example.com`} {
		k := good
		k.Identity = identity
		if err := k.Check(); err != nil {
			t.Errorf("identity %q: %v", identity, err)
		}
	}
	tests := []struct {
		name string
		edit func(*Key)
		says string
	}{
		{"no private key", func(k *Key) { k.Private = nil }, "no private key"},
		{"no domain", func(k *Key) { k.Domain = "" }, "domain"},
		{"one label", func(k *Key) { k.Domain = "com" }, "two labels"},
		{"tag in the domain", func(k *Key) { k.Domain = "example.com;l=0" }, "not allowed"},
		{"no selector", func(k *Key) { k.Selector = "" }, "selector"},
		{"fold in the selector", func(k *Key) { k.Selector = "a\r\nb" }, "not allowed"},
		{"record name too long", func(k *Key) { k.Selector = strings.Repeat(strings.Repeat("s", 59)+".", 4) + "s" }, "253"},
		{"identity without @", func(k *Key) { k.Identity = "example.com" }, "local@domain"},
		{"identity elsewhere", func(k *Key) { k.Identity = "a@example.net" }, "neither in the domain"},
		{"identity above", func(k *Key) { k.Identity = "a@com.example" }, "neither in the domain"},
		{"identity with the same ending", func(k *Key) { k.Identity = "a@evilexample.com" }, "neither in the domain"},
		{"identity with a bad domain", func(k *Key) { k.Identity = "a@b;c.example.com" }, "not allowed"},
		{"identity too long", func(k *Key) { k.Identity = strings.Repeat("a", 65) + "@example.com" }, "64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := good
			tt.edit(&k)
			err := k.Check()
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want %q", err, tt.says)
			}
			s := sign(t, crlf(dinner), 100, Options{}, epoch, k)
			if s[0].Err == nil || s[0].Value != "" {
				t.Errorf("signed as %q", s[0].Value)
			}
		})
	}
}

func TestNoFrom(t *testing.T) {
	k := Key{Domain: "example.com", Selector: "mail", Private: generate(t, dkim.Ed25519SHA256, 0)}
	for _, s := range sign(t, "Subject: x\r\nX-From: y\r\n\r\n", 1, Options{}, epoch, k, k) {
		if !errors.Is(s.Err, ErrNoFrom) || s.Value != "" {
			t.Errorf("%q, %v", s.Value, s.Err)
		}
	}
}

func TestNoKeys(t *testing.T) {
	if s := sign(t, crlf(dinner), 1, Options{}, epoch); len(s) != 0 {
		t.Errorf("%d signatures without a key", len(s))
	}
}

// The state of one message does not leak into the next that uses its memory.
func TestReuse(t *testing.T) {
	k := Key{Domain: "example.com", Selector: "mail", Private: generate(t, dkim.Ed25519SHA256, 0)}
	want := sign(t, crlf(dinner), 100, Options{}, epoch, k)
	huge := "From: x\r\nSubject: " + strings.Repeat("x", maxPooled) + "\r\n\r\n\r\n \r"
	for _, other := range []string{"From: y\r\nTo: a\r\nTo: b\r\n\r\nother \r\n\r", "Subject: no from\r\n\r\n", huge} {
		sign(t, other, 3, Options{Canonicalization: pair(t, "relaxed/relaxed"), Expire: time.Hour}, epoch, k, k)
		if got := sign(t, crlf(dinner), 100, Options{}, epoch, k); !slices.Equal(got, want) {
			t.Errorf("after %.20q the same message got another signature", other)
		}
	}
	abandoned := Begin(new(dkim.Fields), nil, Options{})
	abandoned.Write([]byte("half a bod\r"))
	abandoned.Release()
	if got := sign(t, crlf(dinner), 100, Options{}, epoch, k); !slices.Equal(got, want) {
		t.Error("an abandoned message changed the next one")
	}
}

// FuzzLayout folds any h= and any b=, and unfolding gives them back.
func FuzzLayout(f *testing.F) {
	private := generate(f, dkim.Ed25519SHA256, 0)
	f.Add("From:Subject:To", "a.b", "joe", []byte("signature"))
	f.Add(strings.Repeat("x", 76)+":y", strings.Repeat("s", 60), "", bytes.Repeat([]byte{1}, 512))
	f.Fuzz(func(t *testing.T, h, selector, local string, b []byte) {
		k := Key{Domain: "example.com", Selector: selector, Identity: local + "@example.com", Private: private}
		if k.Check() != nil {
			return
		}
		var names [][]byte
		for name := range strings.SplitSeq(h, ":") {
			if _, err := (dkim.Selection{Sign: []string{name}}).Compile(); err != nil {
				return
			}
			names = append(names, []byte(name))
		}
		var out field
		out.layout(k, pair(t, "relaxed"), epoch, time.Hour, names, []byte(strings.Repeat("B", 44)))
		out.signature(base64.StdEncoding.EncodeToString(b))
		_, values := tags(strings.TrimPrefix(string(out.text), fieldName))
		if values["h"] != h || values["b"] != base64.StdEncoding.EncodeToString(b) || values["s"] != selector {
			t.Fatalf("unfolded to %v", values)
		}
		for line := range strings.SplitSeq(string(out.text), "\r\n") {
			if len(line) > maxLine && !strings.Contains(line, "i=") && !strings.Contains(line, "s=") || strings.HasSuffix(line, " ") {
				t.Fatalf("a line of %d octets: %q", len(line), line)
			}
		}
	})
}
