package signer

import (
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/dkim/canon"
)

var epoch = time.Unix(1528637909, 0) // the t= of RFC 8463 appendix A

func generate(t testing.TB, a dkim.Algorithm, bits int) *dkim.PrivateKey {
	t.Helper()
	key, err := dkim.Generate(a, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func compile(t testing.TB, s dkim.Selection) *dkim.HeaderSet {
	t.Helper()
	set, err := s.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func pair(t testing.TB, s string) canon.Pair {
	t.Helper()
	p, err := canon.ParsePair(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// crlf turns the LF of a literal into CRLF.
func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// sign signs a whole message, its body in chunks of the given size.
func sign(t testing.TB, message string, chunk int, o Options, now time.Time, keys ...Key) []Signature {
	t.Helper()
	fields, start, err := dkim.ParseFields([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	m := Begin(fields, keys, o)
	defer m.Release()
	for body := message[start:]; len(body) > 0; {
		n := min(chunk, len(body))
		if _, err := m.Write([]byte(body[:n])); err != nil {
			t.Fatal(err)
		}
		body = body[n:]
	}
	return m.Sign(now)
}

// seal puts the signatures on top of the message.
func seal(t testing.TB, message string, signatures []Signature) string {
	t.Helper()
	for _, s := range signatures {
		if s.Err != nil {
			t.Fatal(s.Err)
		}
		message = "DKIM-Signature: " + s.Value + "\r\n" + message
	}
	return message
}

// tags splits a field value at its semicolons and takes all white space out.
func tags(value string) (names []string, values map[string]string) {
	values = make(map[string]string)
	for tag := range strings.SplitSeq(value, ";") {
		name, v, _ := strings.Cut(strings.Join(strings.FieldsFunc(tag, func(r rune) bool { return strings.ContainsRune(" \t\r\n", r) }), ""), "=")
		names = append(names, name)
		values[name] = v
	}
	return names, values
}
