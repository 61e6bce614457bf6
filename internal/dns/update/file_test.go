package update

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

const zoneText = `$TTL 300 ; of all
@	IN SOA ns1 hostmaster ( ; SOA 1 2 3
		2026112104 ; serial
		3600 600 86400 300 )
	NS ns1
ns1	A 192.0.2.1
$INCLUDE /etc/other.zone
old._domainkey IN TXT "v=DKIM1\; k=rsa; p=" "AA" ; with a backslash
`

func open(t *testing.T, text string) *File {
	t.Helper()
	f, err := ReadFile(text, "example.com")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFile(t *testing.T) {
	f := open(t, zoneText)
	if got := f.At("old._domainkey.example.com"); len(got) != 1 || got[0].Value != "v=DKIM1; k=rsa; p=AA" {
		t.Errorf("the octets of the record are %+v", got)
	}
	if f.Ours("old._domainkey.example.com", "TXT") {
		t.Error("a person's record is taken for ours")
	}
	long := Record{Name: "s1._domainkey.example.com", Type: "TXT", Value: "v=DKIM1; n=\"\\\x01; p=" + strings.Repeat("A", 600), TTL: 3600}
	alias := Record{Name: "s2._domainkey.example.com", Type: "CNAME", Value: "s2.example-com.dkim.example.net", TTL: 60}
	f.Put(alias)
	f.Put(long)
	text := f.Text(7)
	if !strings.HasPrefix(text, zoneText) {
		t.Errorf("what is not ours has changed:\n%s", text)
	}
	f = open(t, text+"after IN A 192.0.2.9\n")
	if f.Serial != 7 {
		t.Errorf("serial %d", f.Serial)
	}
	for _, want := range []Record{long, alias} {
		if got := f.At(want.Name); len(got) != 1 || got[0] != want || !f.Ours(want.Name, want.Type) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	f.Drop(long.Name, "TXT")
	alias.Value = "elsewhere.example.net"
	f.Put(alias)
	f = open(t, f.Text(8))
	if f.At(long.Name) != nil || f.At(alias.Name)[0] != alias || len(f.At("after.example.com")) != 1 {
		t.Errorf("%+v", f)
	}
}

func TestFileChangedBySomebody(t *testing.T) {
	f := open(t, zoneText)
	f.Put(Record{Name: "s1._domainkey.example.com", Type: "TXT", Value: "v=DKIM1; p=AA", TTL: 3600})
	text := f.Text(7)
	for name, changed := range map[string]string{
		"a record":          strings.Replace(text, "p=AA", "p=AB", 1),
		"another line":      strings.Replace(text, endMark, "x IN A 192.0.2.1\n"+endMark, 1),
		"a line less":       strings.Replace(text, "s1._domainkey.example.com. 3600 IN TXT \"v=DKIM1; p=AA\"\n", "", 1),
		"the end is gone":   strings.Replace(text, endMark+"\n", "", 1),
		"the begin is gone": strings.Replace(text, beginMark, "; ", 1),
		"twice":             text + text[strings.Index(text, beginMark):],
		"the sum is gone":   strings.Replace(text, beginMark+"7 ", beginMark, 1),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadFile(changed, "example.com")
			if err == nil || !errors.Is(err, ErrTouched) && !strings.Contains(err.Error(), ErrTouched.Error()) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := ReadFile(text+"\tIN A 192.0.2.1\n", "example.com"); err == nil {
		t.Error("a line that continues our record is taken")
	}
	for _, more := range []string{"; a note\n\tIN A 192.0.2.1\n", "$TTL 300\n A 192.0.2.1\n", "  ; a note\n\n\tA 192.0.2.1\n"} {
		if _, err := ReadFile(text+more, "example.com"); err == nil {
			t.Errorf("%q continues our record, and is taken", more)
		}
	}
	for _, more := range []string{"  ; a note\n", "\n$ORIGIN b.example.com.\n@ A 192.0.2.1\n\tA 192.0.2.2\n"} {
		if _, err := ReadFile(text+more, "example.com"); err != nil {
			t.Errorf("%q: %v", more, err)
		}
	}
	if _, err := ReadFile("a b c d (\n", "example.com"); err == nil || !strings.Contains(err.Error(), "line") {
		t.Errorf("got %v", err)
	}
	moved := strings.Replace(zoneText, "ns1\tA 192.0.2.1", "ns1\tA 192.0.2.2\nwww A 192.0.2.3", 1) + text[len(zoneText):]
	if got := open(t, moved).At("www.example.com"); len(got) != 1 {
		t.Errorf("a person may change the surroundings: %+v", got)
	}
}

func TestSerial(t *testing.T) {
	for name, text := range map[string]string{
		"in parentheses":  zoneText,
		"on a line":       "example.com. 300 IN SOA a. b. 2026112104 1 2 3 4\n",
		"lower case":      "@ in 300 soa a. b. (2026112104\n1 2 3 4)",
		"an owner SOA":    "soa 300 IN A 192.0.2.1\n; SOA a b 3\nx TXT \"SOA a b 1 ( ; \\\" \"\n@ SOA a. b. 2026112104 1 2 3 4",
		"a text SOA":      "x IN TXT SOA a b 3 \n@ 300 IN SOA a. b. 2026112104 1 2 3 4",
		"the owner above": "@ TXT x\n  SOA a. b. 2026112104 1 2 3 4",
	} {
		t.Run(name, func(t *testing.T) {
			if n, err := Serial(text); n != 2026112104 || err != nil {
				t.Fatalf("%d, %v", n, err)
			}
			out, err := WithSerial(text, 12)
			if n, _ := Serial(out); n != 12 || err != nil || len(out) != len(text)-len("20261121") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	for _, text := range []string{"", "x A 192.0.2.1\n", "@ SOA a. b.", "@ SOA a. b. many 1 2 3 4"} {
		if _, err := Serial(text); err == nil {
			t.Errorf("%q has a serial", text)
		}
	}
}

func TestNextSerial(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name             string
		file, last, want uint32
	}{
		{"counted", 7, 0, 8},
		{"a person counted on", 20, 7, 21},
		{"a person went back", 3, 7, 8},
		{"a date of the past", 2026112104, 2026112104, 2026112201},
		{"today", 2026112204, 2026112204, 2026112205},
		{"a day ahead", 2026112300, 0, 2026112301},
		{"a date, and a count before", 2026112201, 9, 2026112202},
		{"around the end", 1<<32 - 1, 0, 1},
		{"a person wrapped around", 5, 1<<32 - 3, 6},
		{"no date", 2026999999, 0, 2027000000},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := NextSerial(test.file, test.last, noon); got != test.want || !after(got, test.file) {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func FuzzFile(f *testing.F) {
	f.Add(zoneText, "v=DKIM1; p=AA")
	whole := File{Zone: "example.com"}
	whole.Put(Record{Name: "a.example.com", Type: "TXT", Value: "\";\\", TTL: 1})
	f.Add(whole.Text(1), "")
	f.Add("; BEGIN postseal 1 2\n; END postseal\n$ORIGIN .\nb A 192.0.2.1\n", "x")
	f.Fuzz(func(t *testing.T, text, value string) {
		if strings.Contains(strings.ToUpper(text), "$GENERATE") {
			return // may be as long as the operator wants, and takes its time
		}
		file, err := ReadFile(text, "example.com")
		if err != nil {
			return
		}
		r := Record{Name: "s1._domainkey.example.com", Type: "TXT", Value: value, TTL: 60}
		file.Put(r)
		again, err := ReadFile(file.Text(9), "example.com")
		if err != nil {
			t.Fatalf("our own file cannot be read: %v\n%s", err, file.Text(9))
		}
		if !slices.Contains(again.At(r.Name), r) {
			t.Errorf("%q came back as %+v", value, again.At(r.Name))
		}
		if at, end, err := findSerial(text); err == nil && (at > end || end > len(text)) {
			t.Errorf("serial at %d to %d of %d", at, end, len(text))
		}
	})
}
