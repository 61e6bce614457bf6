package records_test

import (
	"encoding/csv"
	"encoding/json"
	"net/mail"
	"regexp"
	"strings"
	"testing"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

func TestGuide(t *testing.T) {
	pending := detail("example.com", key("s1", domains.Pending, 0))
	plain := written(t, records.Guide, sheet(pending, "example.com", "ns1.example.net"))
	daddy := written(t, records.Guide, sheet(pending, "example.com", "ns61.domaincontrol.com", "ns62.domaincontrol.com"))
	t.Run("INF-7", func(t *testing.T) { has(t, plain, " 1. ", " 2. ", " 3. ", " 4. ") })
	t.Run("INF-12", func(t *testing.T) { has(t, plain, "Choose the domain you would like to authenticate: example.com") })
	t.Run("INF-13", func(t *testing.T) {
		has(t, plain, "Go to your DNS provider. Create a new TXT record using the text below as the host (sometimes called Name)\n       s1._domainkey\n")
	})
	t.Run("INF-14", func(t *testing.T) {
		has(t, plain, "Copy and paste the following text into your DNS value\n       "+record2048()+"\n")
	})
	t.Run("INF-15", func(t *testing.T) { has(t, plain, "postseal domain verify example.com") })
	t.Run("INF-18", func(t *testing.T) { has(t, plain, "postseal help dkim") })
	t.Run("INF-20", func(t *testing.T) { has(t, plain, "vary by DNS provider", "Ask your provider for help") })
	t.Run("INF-35", func(t *testing.T) { has(t, plain, "looks by itself; it can take hours") })
	t.Run("KAR-9", func(t *testing.T) { has(t, plain, "In postseal\n", "At your DNS provider\n", "In postseal\n") })
	t.Run("KAR-17", func(t *testing.T) {
		has(t, plain, "Some providers take the full name, others add example.com by themselves: then enter only s1._domainkey")
	})
	t.Run("KAR-18", func(t *testing.T) {
		has(t, plain, "Not sure which? Ask your provider.")
		has(t, daddy, "GoDaddy wants it like this: s1._domainkey")
	})
	t.Run("KAR-19", func(t *testing.T) {
		has(t, daddy, "The form of GoDaddy, filled in:", "Type           TXT", "Name           s1._domainkey", "Value          v=DKIM1", "adds the domain itself")
		hasNot(t, plain, "filled in")
	})
	t.Run("KAR-20", func(t *testing.T) { has(t, plain, "Save the changes.") })
	t.Run("KAR-22", func(t *testing.T) {
		has(t, plain, "Host is also called Name or Alias; Value is also called", "Points to, Target, Address, Data")
	})
	t.Run("KAR-23", func(t *testing.T) { has(t, plain, "knowledge", "adding records in the TXT format") })
	t.Run("KAR-14", func(t *testing.T) {
		connected := written(t, records.Guide, sheet(detail("example.com", key("s1", domains.Active, 0)), "example.com", "ns1.example.net"))
		has(t, connected, "DNS has all of its records already", "s1._domainkey\n", record2048())
	})
	t.Run("from memory", func(t *testing.T) {
		out := written(t, records.Guide, sheet(pending, "example.com", "ns.liquidweb.com"))
		has(t, out, "Liquid Web, filled in", "from memory")
		hasNot(t, daddy, "from memory")
	})
	t.Run("compromised", func(t *testing.T) {
		k := key("s1", domains.Retired, 0)
		k.Compromised = true
		out := written(t, records.Guide, sheet(detail("example.com", k), "example.com"))
		has(t, out, "AT ONCE", "s1._domainkey", "v=DKIM1; p=\n")
	})
	t.Run("no key", func(t *testing.T) {
		has(t, written(t, records.Guide, sheet(detail("example.com"), "example.com")), "there is no key")
	})
}

func TestTable(t *testing.T) {
	out := written(t, records.Table, sheet(detail("example.com",
		key("s0", domains.Retired, 0), key("s1", domains.Retiring, 1), key("s2", domains.Active, 2), key("s3", domains.Pending, 3)), "example.com"))
	t.Run("OCR-24", func(t *testing.T) {
		has(t, out, "To publish: TXT record of s3", "s3._domainkey", "Value", record2048())
	})
	t.Run("MA-10", func(t *testing.T) { has(t, out, "rsa 2048 bit", "strings of at most 255 characters", `" "`) })
	t.Run("MA-14", func(t *testing.T) { has(t, out, "TXT record") })
	has(t, out, "In DNS, has to stay as it is: TXT record of s2", "Keep until 2026-12-05 10:00 UTC: TXT record at s1._domainkey.example.com",
		"Safe to remove now: TXT record at s0._domainkey.example.com")
}

func TestShare(t *testing.T) {
	d := detail("example.com", key("s1", domains.Pending, 0))
	d.Domain.Contact = "hostmaster@example.com\r\nBcc: all@example.net"
	s := sheet(d, "example.com")
	out := written(t, records.Share, s)
	t.Run("OCR-9", func(t *testing.T) {
		has(t, out, "we cannot make the change in your", "Please add this record:", "TXT", "s1._domainkey", "s1._domainkey.example.com.", record2048(), "3600")
	})
	t.Run("TST-6", func(t *testing.T) { has(t, out, "s1._domainkey.example.com. 3600 IN TXT \"v=DKIM1") })
	t.Run("mail", func(t *testing.T) {
		m, err := mail.ReadMessage(strings.NewReader(written(t, records.Mail, s)))
		if err != nil {
			t.Fatal(err)
		}
		if m.Header.Get("Bcc") != "" || !strings.Contains(m.Header.Get("Subject"), "example.com") || m.Header.Get("To") == "" {
			t.Errorf("%v", m.Header)
		}
		if _, err := records.Write(records.Mail, []records.Sheet{s, s}); err == nil {
			t.Error("one mail about two domains")
		}
	})
	t.Run("nothing secret", func(t *testing.T) { hasNot(t, out, "PRIVATE") })
	t.Run("lines fit a message", func(t *testing.T) {
		for line := range strings.SplitSeq(out, "\n") {
			if len(line) > 998 {
				t.Errorf("%d octets", len(line))
			}
		}
	})
}

func TestULabels(t *testing.T) {
	out := written(t, records.Table, sheet(detail("xn--bcher-kva.example", key("s1", domains.Pending, 0)), "xn--bcher-kva.example"))
	has(t, out, "bücher.example (xn--bcher-kva.example)", "s1._domainkey.xn--bcher-kva.example\n")
	if got := records.Both("example.com"); got != "example.com" {
		t.Error(got)
	}
	if got := records.ULabels("xn--zzzzzz.example"); got != "xn--zzzzzz.example" {
		t.Error(got)
	}
}

// txt joins the strings of the TXT record in a line or lines of a zone file.
func txt(text string) string {
	var out string
	for _, m := range regexp.MustCompile(`"([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if len(m[1]) > 255 {
			return "a string is too long"
		}
		out += m[1]
	}
	return out
}

func TestZoneFile(t *testing.T) {
	out := written(t, records.Bind, sheet(detail("mail.example.com", key("s1", domains.Pending, 0)), "example.com"))
	has(t, out, "$ORIGIN example.com.\n; key SHA256:", "rsa-2048-bit  state pending  generated 2026-11-21T20:54:30Z\ns1._domainkey.mail 3600 IN TXT ( \"v=DKIM1; k=rsa; \"")
	if txt(out) != record2048() {
		t.Errorf("%q", txt(out))
	}
	old := written(t, records.Bind, sheet(detail("example.com", key("s0", domains.Retired, 0), key("s1", domains.Retiring, 1)), "example.com"))
	has(t, old, "; keep until 2026-12-05 (retiring)\ns1._domainkey 3600 IN TXT", "; safe to remove: s0._domainkey TXT")
}

func TestNSUpdate(t *testing.T) {
	out := written(t, records.NSUpdate, sheet(detail("example.com", key("s0", domains.Retired, 0), key("s1", domains.Active, 1)), "example.com"))
	has(t, out, "zone example.com.\n", "update add s1._domainkey.example.com. 3600 TXT \"v=DKIM1", "update delete s0._domainkey.example.com. TXT\n", "send\n")
	if txt(out) != record2048() {
		t.Errorf("%q", txt(out))
	}
}

func TestJSON(t *testing.T) {
	s := sheet(detail("mail.example.com", key("s1", domains.Pending, 0)), "example.com", "ns61.domaincontrol.com")
	var one records.Sheet
	if err := json.Unmarshal([]byte(written(t, records.JSON, s)), &one); err != nil {
		t.Fatal(err)
	}
	r := one.Records[0]
	if one.Zone.Name != "example.com" || one.Provider.Name != "GoDaddy" || r.Host.InZone != "s1._domainkey.mail" || strings.Join(r.Strings, "") != record2048() {
		t.Errorf("%+v", one)
	}
	var several []records.Sheet
	if err := json.Unmarshal([]byte(written(t, records.JSON, s, s)), &several); err != nil || len(several) != 2 {
		t.Errorf("%v, %d sheets", err, len(several))
	}
}

func TestCSV(t *testing.T) {
	s := sheet(detail("example.com", key("s0", domains.Retiring, 0), key("s1", domains.Active, 1)), "example.com")
	rows, err := csv.NewReader(strings.NewReader(written(t, records.CSV, s))).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%v: %v", err, rows)
	}
	if got := strings.Join(rows[1][:7], " "); got != "example.com s1 stay  TXT s1._domainkey.example.com s1._domainkey" || rows[1][8] != record2048() {
		t.Errorf("%q", rows[1])
	}
	if rows[2][3] != "2026-12-05T10:00:00Z" {
		t.Errorf("%q", rows[2])
	}
}

func TestFormats(t *testing.T) {
	for _, f := range records.Formats {
		if out := written(t, f, sheet(detail("example.com", key("s1", domains.Pending, 0)), "example.com")); !strings.Contains(out, "s1") {
			t.Errorf("%s: %q", f, out)
		}
	}
	if _, err := records.Write("yaml", nil); err == nil || !strings.Contains(err.Error(), "nsupdate") {
		t.Errorf("%v", err)
	}
}
