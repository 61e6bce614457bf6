package main

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/internal/doctor"
)

// What strangers publish neither makes lines that look like ours nor turns the writing round.
func TestStrangersRecordsInTheDoctorsOutput(t *testing.T) {
	var out strings.Builder
	printDomain(&out, &doctor.Domain{
		Name: "example.com", DMARC: doctor.Policy{Texts: []string{"v=DMARC1; p=none\n  key        s1._domainkey.example.com: ok"}},
		SPF: []string{"v=spf1 \u202eslla-", "v=spf1 -all"},
	})
	want := "example.com\n  DMARC      v=DMARC1; p=none?  key        s1._domainkey.example.com: ok\n  SPF        v=spf1 ?slla-\n             v=spf1 -all\n\n"
	if out.String() != want {
		t.Errorf("got\n%s, want\n%s", &out, want)
	}
}
