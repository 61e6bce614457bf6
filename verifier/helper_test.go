package verifier

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/dkim/canon"
)

// noon is when the tests take place.
var noon = time.Unix(1_700_000_000, 0)

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// plain is the message that tests sign.
var plain = crlf(`From: Alice <alice@example.com>
To: Bob <bob@example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@example.com>

Hi.

We lost the game.  Are you hungry yet?

Alice.
`)

// testKey is a key that may be wrong in any way.
type testKey struct {
	algorithm string
	record    string
	sign      func(digest []byte) []byte
	sha1      bool // instead of SHA-256
}

func (k testKey) sum(data []byte) []byte {
	if k.sha1 {
		sum := sha1.Sum(data)
		return sum[:]
	}
	sum := sha256.Sum256(data)
	return sum[:]
}

func keyOf(private *dkim.PrivateKey) testKey {
	return testKey{algorithm: private.Algorithm().String(), record: private.PublicRecord(), sign: func(digest []byte) []byte {
		b, err := private.Sign(digest)
		if err != nil {
			panic(err)
		}
		return b
	}}
}

func generate(a dkim.Algorithm, bits int) testKey {
	private, err := dkim.Generate(a, bits)
	if err != nil {
		panic(err)
	}
	return keyOf(private)
}

var (
	rsaKey = sync.OnceValue(func() testKey { return generate(dkim.RSASHA256, 1024) })
	edKey  = sync.OnceValue(func() testKey { return generate(dkim.Ed25519SHA256, 0) })
)

// p is the p= of a key's record.
func (k testKey) p() string { return k.record[strings.Index(k.record, "p=")+2:] }

// tagSet is the tags of a signature in the making, in order.
type tagSet [][2]string

func (s tagSet) get(name string) string {
	for _, t := range s {
		if t[0] == name {
			return t[1]
		}
	}
	return ""
}

// set puts "name=value" in place of the tag of that name or before bh=; "name" alone takes the tag out.
func (s tagSet) set(tag string) tagSet {
	name, value, ok := strings.Cut(tag, "=")
	for i, t := range s {
		if t[0] == name && !ok {
			return append(s[:i:i], s[i+1:]...)
		}
		if t[0] == name {
			s[i][1] = value
			return s
		}
	}
	return append(tagSet{{name, value}}, s...)
}

func (s tagSet) String() string {
	var b strings.Builder
	for _, t := range s {
		fmt.Fprintf(&b, " %s=%s;\r\n", t[0], t[1])
	}
	return strings.TrimSuffix(b.String(), ";\r\n")
}

// seal signs a message as the tags say, right or wrong, and puts the signature on top. What bh= and b= should be is
// computed from the other tags, unless they are given.
func seal(t testing.TB, message string, key testKey, tags ...string) string {
	t.Helper()
	set := tagSet{
		{"v", "1"},
		{"a", key.algorithm},
		{"c", "relaxed/relaxed"},
		{"d", "example.com"},
		{"s", "mail"},
		{"h", "From:To:Subject"},
		{"bh", ""},
		{"b", ""},
	}
	for _, tag := range tags {
		set = set.set(tag)
	}
	c, _ := canon.ParsePair(strings.ToLower(set.get("c"))) // simple/simple if there is none, or nobody knows it
	fields, start, err := dkim.ParseFields([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	if set.get("bh") == "" {
		set = setIfThere(set, "bh", base64.StdEncoding.EncodeToString(key.sum(prefix(c.Body, message[start:], set.get("l")))))
	}
	if set.get("b") == "" {
		var names []string
		for name := range strings.SplitSeq(set.get("h"), ":") {
			names = append(names, strings.TrimSpace(name))
		}
		input := dkim.AppendFields(nil, c.Header, fields, fields.Instances(nil, names))
		digest := key.sum(dkim.AppendSignatureField(input, c.Header, []byte("DKIM-Signature:"+set.String())))
		set = setIfThere(set, "b", base64.StdEncoding.EncodeToString(key.sign(digest)))
	}
	return "DKIM-Signature:" + set.String() + "\r\n" + message
}

func setIfThere(set tagSet, name, value string) tagSet {
	for i := range set {
		if set[i][0] == name {
			set[i][1] = value
		}
	}
	return set
}

// prefix is the canonical body, as far as l= says.
func prefix(k canon.Kind, body, l string) []byte {
	var buf bytes.Buffer
	b := canon.NewBody(k, &buf)
	b.Write([]byte(body))
	b.Close()
	text := buf.Bytes()
	if n, err := strconv.Atoi(strings.TrimSpace(l)); err == nil && n <= len(text) {
		return text[:n]
	}
	return text
}

// zone is the DNS of a test. A missing name does not exist.
type zone map[string]records

type records struct {
	txt    []string
	secure bool
	err    error
}

func (z zone) LookupTXT(_ context.Context, name string) (Answer, error) {
	r, ok := z[name]
	if !ok {
		return Answer{}, fmt.Errorf("%s: %w", name, ErrNotFound)
	}
	return Answer{TXT: r.txt, Secure: r.secure}, r.err
}

const mailKey = "mail._domainkey.example.com"

// publish makes a zone of the usual name.
func publish(txt ...string) zone { return zone{mailKey: {txt: txt}} }

// verify verifies a message, its body in chunks of the given size.
func verify(t testing.TB, v *Verifier, message string, chunk int) []Result {
	t.Helper()
	fields, start, err := dkim.ParseFields([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	m := v.Begin(t.Context(), fields)
	defer m.Release()
	for body := message[start:]; len(body) > 0; {
		n := min(chunk, len(body))
		m.Write([]byte(body[:n]))
		body = body[n:]
	}
	return m.Finish()
}

func newVerifier(lookup Lookup, o Options) *Verifier {
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	return New(lookup, o)
}

// row is a message, signed and then altered, and the verdict on it.
type row struct {
	name    string
	message string // plain if empty
	key     testKey
	tags    []string
	alter   func(string) string
	zone    zone // the key's own record if nil
	options Options
	status  dkim.Status
	reason  dkim.Reason
	also    func(testing.TB, Result)
}

// make signs and alters the message of a row.
func (r row) make(t testing.TB) (message string, z zone) {
	t.Helper()
	if r.message == "" {
		r.message = plain
	}
	if r.key.sign == nil {
		r.key = rsaKey()
	}
	if r.zone == nil {
		r.zone = publish(r.key.record)
	}
	signed := seal(t, r.message, r.key, r.tags...)
	if r.alter == nil {
		return signed, r.zone
	}
	if message = r.alter(signed); message == signed {
		t.Fatal("nothing was altered")
	}
	return message, r.zone
}

// run verifies with the body in one piece and octet by octet.
func (r row) run(t *testing.T) {
	t.Helper()
	message, z := r.make(t)
	for _, chunk := range []int{1 << 20, 1} {
		results := verify(t, newVerifier(z, r.options), message, chunk)
		if len(results) != 1 {
			t.Fatalf("%d results: %v", len(results), results)
		}
		got := results[0]
		if got.Status != r.status || got.Reason != r.reason {
			t.Fatalf("%s (%v), want %s %s; chunks of %d of\n%s", got.Status, got.Err, r.status, r.reason, chunk, message)
		}
		if (got.Status == dkim.Pass) != (got.Err == nil) {
			t.Errorf("%s with error %v", got.Status, got.Err)
		}
		if r.also != nil {
			r.also(t, got)
		}
	}
}

func runRows(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, r.run)
	}
}

// replace returns an alteration of the first old.
func replace(old, with string) func(string) string {
	return func(message string) string { return strings.Replace(message, crlf(old), crlf(with), 1) }
}

// onTop returns an alteration that puts fields above all others.
func onTop(fields string) func(string) string {
	return func(message string) string { return crlf(fields) + message }
}

// behind returns an alteration that puts text at the end of the body.
func behind(text string) func(string) string {
	return func(message string) string { return message + crlf(text) }
}
