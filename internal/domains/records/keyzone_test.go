package records_test

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

func TestKeyZoneFile(t *testing.T) {
	const zone = "dkim.mx.example.net"
	all := []domains.DNSRecord{
		{Zone: zone, Name: zone, Type: "TXT", Value: "v=DKIM1; p=", TTL: 3600},
		{Zone: zone, Name: "ps1.example-com." + zone, Type: "TXT", Value: record2048(), TTL: 3600},
		{Zone: "old.example", Name: "ps1.example-com.old.example", Type: "TXT", Value: record2048(), TTL: 3600},
	}
	head := records.ZoneHead{Zone: zone, NameServers: []string{"ns1.example.net", "ns2.example.net"}, Hostmaster: "dns.admin@example.net", Serial: 7}
	out := records.KeyZoneFile(head, all)
	has(t, out, "$ORIGIN dkim.mx.example.net.\n", "@ 3600 IN SOA ns1.example.net. dns\\.admin.example.net. ( 7 10800 1800 1209600 900 )\n",
		"@ 3600 IN NS ns1.example.net.\n@ 3600 IN NS ns2.example.net.\n", `@ 3600 IN TXT ( "v=DKIM1; "`, `"p="`, "ps1.example-com 3600 IN TXT (")
	hasNot(t, out, "old.example")
	head.Hostmaster = ""
	has(t, records.KeyZoneFile(head, nil), " hostmaster.dkim.mx.example.net. ")
	lines := records.KeyZoneLines("old.example", all)
	has(t, lines, "$ORIGIN old.example.\n", "ps1.example-com 3600 IN TXT (")
	hasNot(t, lines, "IN SOA", "IN NS", "dkim.mx")
	if strings.Contains(out, `\;`) {
		t.Error("a semicolon between quotes needs no backslash")
	}
}
