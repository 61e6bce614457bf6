package dkim

import (
	"strings"
	"testing"
)

// VF-18: what may stand in d= and s=.
func TestValidNames(t *testing.T) {
	long := strings.Repeat(strings.Repeat("a", 49)+".", 5) // 250 octets
	tests := []struct {
		name             string
		domain, selector bool
	}{
		{"example.com", true, true},
		{"EXAMPLE.com", true, true},
		{"xn--bcher-kva.example", true, true},
		{"_x.a_b.example", true, true},
		{"1.2", true, true},
		{"mail", false, true},
		{"", false, false},
		{".", false, false},
		{"example.com.", false, false},
		{".example.com", false, false},
		{"a..b", false, false},
		{"-a.example", false, false},
		{"a-.example", false, false},
		{"bücher.example", false, false},
		{"a b.example", false, false},
		{"bank.example(.evil.example", false, false},
		{"bank.example\x00.evil.example", false, false},
		{"a/b.example", false, false},
		{`a".example`, false, false},
		{"a;b.example", false, false},
		{"a[.example", false, false},
		{"a%.example", false, false},
		{strings.Repeat("a", 63) + ".example", true, true},
		{strings.Repeat("a", 64) + ".example", false, false},
		{long + "bcd", true, true},
		{long + "bcde", false, false},
	}
	for _, tt := range tests {
		if err := ValidDomain(tt.name); (err == nil) != tt.domain {
			t.Errorf("ValidDomain(%q) = %v", tt.name, err)
		}
		if err := ValidSelector(tt.name); (err == nil) != tt.selector {
			t.Errorf("ValidSelector(%q) = %v", tt.name, err)
		}
	}
	if err := ValidRecordName("s", long+"bcd"); err == nil {
		t.Error("a record name of more than 253 octets passed")
	}
	if err := ValidRecordName("mail", "example.com"); err != nil {
		t.Error(err)
	}
}
