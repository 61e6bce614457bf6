package dnstest

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
)

func TestAnswers(t *testing.T) {
	s, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	long := "v=DKIM1; p=" + strings.Repeat("A", 3000)
	s.SetTXT("a._domainkey.example.com", `v=DKIM1; n="x\y"`)
	s.SetTXT("long._domainkey.example.com", long)
	s.SetTXT("two.example.com", "one", "two")

	for name, want := range map[string][]string{
		"a._domainkey.example.com":    {`v=DKIM1; n="x\y"`},
		"A._DomainKey.example.com.":   {`v=DKIM1; n="x\y"`},
		"long._domainkey.example.com": {long}, // comes over TCP
		"two.example.com":             {"one", "two"},
	} {
		got, err := LookupTXT(s.Addr, name)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	_, err = LookupTXT(s.Addr, "nothing.example.com")
	var dnsErr *net.DNSError
	if !errors.As(err, &dnsErr) || !dnsErr.IsNotFound {
		t.Errorf("an unknown name gave %v", err)
	}
}
