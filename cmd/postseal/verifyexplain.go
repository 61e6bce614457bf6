package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/dkim/canon"
	"github.com/postseal/postseal/verifier"
)

// printExplained decodes a signature and shows what was hashed; with the message
// as it was sent, where that begins to differ.
func printExplained(io stdio, e verifier.Explanation, file, original *messageFile) {
	s := e.Signature
	tag := func(name, meaning, value string) {
		if name != "" {
			name += "="
		}
		if value != "" {
			fmt.Fprintf(io.out, "    %-3s %-26s %s\n", name, meaning, printable(value))
		}
	}
	tag("a", "algorithm", s.AlgorithmName)
	tag("c", "header/body canonicalization", s.Canonicalization.String())
	tag("d", "signing domain", s.Domain)
	tag("s", "selector", s.Selector)
	tag("i", "identity", s.Identity)
	tag("t", "signed at", timeText(s.Time))
	tag("x", "expires at", timeText(s.Expiry))
	tag("h", "header fields", strings.Join(s.HeaderNames, ":"))
	if s.BodyLength >= 0 {
		tag("l", "octets of the body", fmt.Sprint(s.BodyLength))
	}
	tag("bh", "body hash, as signed", base64.StdEncoding.EncodeToString(s.BodyHash))
	if e.BodyHash != nil {
		tag("", "body hash, as received", base64.StdEncoding.EncodeToString(e.BodyHash))
		tag("", "canonical body", fmt.Sprintf("%d octets", e.BodyOctets))
	}
	if e.KeyName != "" {
		tag("", "key looked for at", e.KeyName)
	}
	for _, txt := range e.Records {
		tag("", "record", txt)
	}
	fmt.Fprintln(io.out, "    canonical header, as hashed:")
	for line := range bytes.Lines(e.HeaderInput) {
		fmt.Fprintf(io.out, "      | %s\n", printable(strings.TrimRight(string(line), "\r\n")))
	}
	if original != nil {
		printDifferences(io, s, file, original)
	}
}

// printDifferences compares the canonical forms of two messages, as a signature
// sees them.
func printDifferences(io stdio, s *dkim.Signature, file, original *messageFile) {
	header := func(m *messageFile) []byte {
		return dkim.AppendFields(nil, s.Canonicalization.Header, m.fields, m.fields.Instances(nil, s.HeaderNames))
	}
	body := func(m *messageFile) []byte {
		var out bytes.Buffer
		c := canon.NewBody(s.Canonicalization.Body, &out)
		c.Write(m.body)
		c.Close()
		return out.Bytes()
	}
	fmt.Fprintf(io.out, "    header against the original: %s\n", firstDifference(header(original), header(file)))
	fmt.Fprintf(io.out, "    body against the original:   %s\n", firstDifference(body(original), body(file)))
}

// firstDifference names the first line in which two texts differ.
func firstDifference(before, after []byte) string {
	if bytes.Equal(before, after) {
		return "the same"
	}
	a, b := bytes.SplitAfter(before, []byte("\r\n")), bytes.SplitAfter(after, []byte("\r\n"))
	for i := range max(len(a), len(b)) {
		was, is := lineAt(a, i), lineAt(b, i)
		if was != is {
			return fmt.Sprintf("line %d differs\n      sent:     %s\n      received: %s", i+1, was, is)
		}
	}
	return "the same"
}

func lineAt(lines [][]byte, i int) string {
	if i >= len(lines) {
		return "(nothing)"
	}
	return fmt.Sprintf("%q", lines[i])
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// printable shows by its octets what a terminal must not interpret, or cannot show.
func printable(s string) string {
	var b strings.Builder
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		if unicode.IsPrint(r) && r != utf8.RuneError {
			b.WriteString(s[:size])
		} else {
			for _, c := range []byte(s[:size]) {
				fmt.Fprintf(&b, "\\x%02x", c)
			}
		}
		s = s[size:]
	}
	return b.String()
}

func lfOnly(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }
