package dkim

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postseal/postseal/dkim/canon"
	"github.com/postseal/postseal/internal/mailaddr"
)

// This file has a reader for each tag of RFC 6376 section 3.5. White space at the ends of the value is gone.

func (s *Signature) readAlgorithm(value string) *Fault {
	key, hash, ok := strings.Cut(value, "-")
	if !ok || !isWord(key) || !isWord(hash) {
		return syntax("a=%.40q", value)
	}
	s.AlgorithmName = value
	var err error
	if s.Algorithm, err = ParseAlgorithm(value); err == nil {
		return nil
	}
	reason := ReasonAlgorithm
	if strings.EqualFold(hash, "sha1") {
		reason = ReasonSHA1
	}
	return &Fault{PermError, reason, fmt.Sprintf("a=%.40s", value)}
}

// isWord wants a letter, then letters and digits.
func isWord(s string) bool {
	for i := range len(s) {
		if !isAlnum(s[i]) {
			return false
		}
	}
	return s != "" && s[0] > '9'
}

func (s *Signature) readB(value string) *Fault {
	text := removeFWS(value)
	b, fault := decodeBase64("b", text)
	if fault == nil {
		s.B, s.BText = b, text
	}
	return fault
}

func (s *Signature) readBodyHash(value string) (fault *Fault) {
	s.BodyHash, fault = decodeBase64("bh", removeFWS(value))
	return fault
}

func decodeBase64(tag, text string) ([]byte, *Fault) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(data) == 0 {
		return nil, syntax("%s= is not base64", tag)
	}
	return data, nil
}

func (s *Signature) readCanonicalization(value string) *Fault {
	pair, err := canon.ParsePair(value)
	if err != nil {
		return &Fault{PermError, ReasonCanonicalization, fmt.Sprintf("c=%.40q", value)}
	}
	s.Canonicalization = pair
	return nil
}

// readDomain makes sure that d= asks DNS for nothing but what it shows. U-labels (RFC 8616 section 4) become A-labels.
func (s *Signature) readDomain(value string) *Fault {
	domain, err := domainName(value)
	if err != nil {
		return syntax("d=%.80q: %v", value, err)
	}
	s.Domain = domain
	return nil
}

func domainName(value string) (string, error) {
	domain, err := mailaddr.ALabels(value)
	if err != nil {
		return "", err
	}
	return domain, ValidDomain(domain)
}

func (s *Signature) readSelector(value string) *Fault {
	selector, err := mailaddr.ALabels(value)
	if err == nil {
		err = ValidSelector(selector)
	}
	if err != nil {
		return syntax("s=%.80q: %v", value, err)
	}
	s.Selector = selector
	return nil
}

func (s *Signature) readHeaderNames(value string) *Fault {
	names := make([]string, 0, strings.Count(value, ":")+1)
	for name := range strings.SplitSeq(value, ":") {
		name = trimFWS(name)
		if !validName(name) {
			return syntax("h= has %.40q, which is no name of a header field", name)
		}
		names = append(names, name)
	}
	s.HeaderNames = names
	return nil
}

// readIdentity decodes i=. Its local part may be quoted and hold an @ itself, so the last one counts.
func (s *Signature) readIdentity(value string) *Fault {
	identity, ok := decodeQuotedPrintable(removeFWS(value))
	if !ok {
		return syntax("i= is not in DKIM-Quoted-Printable")
	}
	at := strings.LastIndexByte(identity, '@')
	if at < 0 || !utf8.ValidString(identity) {
		return syntax("i=%.80q, want local@domain or @domain", identity)
	}
	domain, err := domainName(identity[at+1:])
	if err != nil {
		return syntax("i=%.80q: %v", identity, err)
	}
	s.Identity, s.IdentityDomain = identity, domain
	return nil
}

// decodeQuotedPrintable decodes DKIM-Quoted-Printable (section 2.11) that has no white space.
func decodeQuotedPrintable(s string) (decoded string, ok bool) {
	if !strings.Contains(s, "=") {
		return s, true
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '=' {
			out = append(out, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		octet, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		out = append(out, byte(octet))
		i += 2
	}
	return string(out), true
}

// readBodyLength reads 1*76DIGIT; a number that no body reaches stays larger than any.
func (s *Signature) readBodyLength(value string) *Fault {
	if !isDigits(value) || len(value) > 76 {
		return syntax("l=%.80q", value)
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		n = math.MaxInt64
	}
	s.BodyLength = n
	return nil
}

// readQuery wants one method that we know; the others of the list are skipped.
func readQuery(value string) *Fault {
	for method := range strings.SplitSeq(value, ":") {
		if strings.EqualFold(trimFWS(method), "dns/txt") {
			return nil
		}
	}
	return &Fault{PermError, ReasonQueryMethod, fmt.Sprintf("q=%.40q", value)}
}

// endOfTime stands for all seconds since 1970 that have more than 12 digits, which section 3.5 (t=) lets us take as infinite.
const endOfTime = 1e12

func readTime(t *time.Time, tag, value string) *Fault {
	if !isDigits(value) {
		return syntax("%s=%.40q", tag, value)
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil || seconds > endOfTime {
		seconds = endOfTime
	}
	*t = time.Unix(seconds, 0)
	return nil
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
