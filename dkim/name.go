package dkim

import (
	"errors"
	"fmt"
	"strings"
)

// Limits of a DNS name (RFC 1035 section 2.3.4), in octets without the final dot.
const (
	maxName  = 253
	maxLabel = 63
)

// ValidDomain checks a name for d=: at least two labels of letters, digits, hyphens and underscores. A name in another script
// must come as A-labels (xn--…). It keeps a name from a table or a message from becoming another DNS question.
func ValidDomain(domain string) error {
	if err := validLabels(domain); err != nil {
		return fmt.Errorf("domain %q: %w", domain, err)
	}
	if !strings.Contains(domain, ".") {
		return fmt.Errorf("domain %q: want at least two labels", domain)
	}
	return nil
}

// ValidSelector checks a name for s=: one label or more, as for ValidDomain.
func ValidSelector(selector string) error {
	if err := validLabels(selector); err != nil {
		return fmt.Errorf("selector %q: %w", selector, err)
	}
	return nil
}

// RecordName is where the key record stands in DNS: "selector._domainkey.domain" (RFC 6376 section 3.6.2.1).
func RecordName(selector, domain string) string { return selector + "._domainkey." + domain }

// ValidRecordName checks that the name of the key record is not too long for DNS.
func ValidRecordName(selector, domain string) error {
	if n := len(RecordName(selector, domain)); n > maxName {
		return fmt.Errorf("selector and domain together: %s has %d octets, want at most %d", RecordName(selector, domain), n, maxName)
	}
	return nil
}

func validLabels(name string) error {
	switch {
	case name == "":
		return errors.New("empty")
	case len(name) > maxName:
		return fmt.Errorf("longer than %d octets", maxName)
	}
	for label := range strings.SplitSeq(name, ".") {
		switch {
		case label == "":
			return errors.New("empty label; no dot may begin or end the name")
		case len(label) > maxLabel:
			return fmt.Errorf("a label is longer than %d octets", maxLabel)
		case label[0] == '-', label[len(label)-1] == '-':
			return fmt.Errorf("label %q begins or ends with a hyphen", label)
		}
		for i := range len(label) {
			if c := label[i]; c >= 0x80 {
				return errors.New("write it with A-labels (xn--…)")
			} else if !isAlnum(c) && c != '-' && c != '_' {
				return fmt.Errorf("%q is not allowed in a name", c)
			}
		}
	}
	return nil
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}
