package opendkim

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// Each option of the table, given a value, has a note with its fate.
func TestEveryOptionIsTold(t *testing.T) {
	conf := &strings.Builder{}
	for _, o := range Table {
		value := map[string]string{
			"Mode": "sv", "Socket": "local:/run/x.sock", "Domain": "example.com", "Selector": "s", "KeyFile": "DIR/key", "UMask": "007",
			"BaseDirectory": "DIR", "ChangeRootDirectory": "DIR", "Include": "DIR/more", "Canonicalization": "simple", "SignatureAlgorithm": "rsa-sha1",
			"MaximumHeaders": "70000", "MaximumSignaturesToVerify": "4", "ClockDrift": "60", "DNSTimeout": "6", "MinimumKeyBits": "2048", "SignatureTTL": "60",
			"KeyTable": "DIR/kt", "SigningTable": "DIR/st", "TestPublicKeys": "DIR/records", "TestDNSData": "DIR/records",
		}[o.Name]
		if strings.HasPrefix(o.Name, "On-") {
			value = "reject"
		}
		if value == "" {
			value = "yes"
		}
		fmt.Fprintf(conf, "%s %s\n", strings.ToLower(o.Name), value)
	}
	r, dir := imported(t, conf.String(), map[string]string{
		"key": "KEY", "more": "# nothing\n", "kt": "k2 example.com:s:/key\n", "st": "* k2\n", "records": "s._domainkey.example.com v=DKIM1; p=\n",
	})
	for _, o := range Table {
		i := slices.IndexFunc(r.Notes, func(n Note) bool { return strings.HasPrefix(n.What, strings.ToLower(o.Name)+" ") })
		if i < 0 {
			t.Errorf("no note about %s", o.Name)
			continue
		}
		// With a KeyTable these do nothing, as in OpenDKIM, and one file of records is enough.
		idle := slices.Contains([]string{"Domain", "Selector", "KeyFile", "SubDomains", "TestDNSData"}, o.Name)
		if have := r.Notes[i]; have.Fate != o.Fate && !(idle && have.Fate == Needless) || have.Text == "" {
			t.Errorf("%s: have %v, want %v", o.Name, have, o.Fate)
		}
	}
	if len(r.Records) != 1 || !strings.Contains(r.Config("/out"), `records_file = "/out/records"`) {
		t.Errorf("records %v in %s\n%s", r.Records, dir, r.Config("/out"))
	}
}

func TestNotes(t *testing.T) {
	r, dir := imported(t, single+`Diagnostics no
RemoveOldSignatures yes
Frobnicate 1
Selector s
InternalHosts 10.0.0.1/8,::1
OversignHeaders Date
Socket inet:8891@mail.example
`, key())
	at := dir + "/opendkim.conf:"
	for _, want := range []string{
		at + "2: Selector s: needless: line " + at + "8 sets it again, and the last one counts",
		at + "5: Diagnostics no: needless: off here",
		at + "6: RemoveOldSignatures yes: not carried: signatures of others stay",
		at + "7: Frobnicate 1: not carried: OpenDKIM 2.11 has no such option",
		at + "9: 10.0.0.1/8: needless: left out: it never matched (the network is 10.0.0.0/8)",
		at + "10: OversignHeaders Date: differs: ",
		at + "11: Socket inet:8891@mail.example: differs: ",
	} {
		if !slices.ContainsFunc(r.Notes, func(n Note) bool { return strings.HasPrefix(n.String(), want) }) {
			t.Errorf("no note %s", want)
		}
	}
	if have := r.Warnings(); have != 4 {
		t.Errorf("%d warnings, want 4: not carried two, differs two", have)
	}
	if len(r.Defaults()) == 0 || !slices.Contains(r.Defaults(), `sign.canonicalization = "simple/simple"`) {
		t.Errorf("the defaults %q do not tell of OpenDKIM's canonicalization", r.Defaults())
	}
}

// Blanks around the colons of a key table, and names that stand twice in OversignHeaders, mean something else to OpenDKIM.
func TestBlanksAndDoublesAreTold(t *testing.T) {
	r, dir := imported(t, "Socket inet:1@localhost\nKeyTable DIR/kt\nSigningTable refile:DIR/st\nOversignHeaders From,Date,from,DATE\n", map[string]string{
		"kt":  "k1 example.com:s1:DIR/key\nk2 example.com : s2 :DIR/key\nk3 example.com:s3: DIR/key\nk4 example.com:s4:\tDIR/key\n",
		"st":  "* k1\n",
		"key": "KEY",
	})
	want := map[string]Fate{
		dir + "/kt:2: k2": Carried, dir + "/kt:3: k3": Differs, dir + "/kt:4: k4": Differs,
		dir + "/opendkim.conf:4: OversignHeaders from": Differs, dir + "/opendkim.conf:4: OversignHeaders DATE": Differs,
		dir + "/opendkim.conf:4: OversignHeaders Date": Differs, // may be added later
	}
	found := 0
	for _, n := range r.Notes {
		if strings.HasPrefix(n.What, "k") || strings.HasPrefix(n.What, "OversignHeaders ") && !strings.Contains(n.What, ",") {
			found++
			if fate, ok := want[n.At.String()+": "+n.What]; !ok || fate != n.Fate {
				t.Errorf("note %v", n)
			}
		}
	}
	if found != len(want) {
		t.Errorf("%d notes, want %d: %v", found, len(want), r.Notes)
	}
	for _, line := range []string{"oversign = [\"Date\"]", "oversign_absent = [\"From\"]"} {
		if !strings.Contains(r.Config("/out"), line) {
			t.Errorf("no %s in\n%s", line, r.Config("/out"))
		}
	}
	if have := r.KeyTable[1].Text; have != "k2 example.com:s2:"+dir+"/key" {
		t.Errorf("wrote %q", have)
	}
}

// The page for users has each option with what the importer says of it.
func TestThePageHasEveryOption(t *testing.T) {
	page, err := os.ReadFile("../../docs/coming-from-opendkim.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range Table {
		if line := fmt.Sprintf("| %s | %s | %s |\n", o.Name, o.Fate, o.How); !strings.Contains(string(page), line) {
			t.Errorf("docs/coming-from-opendkim.md has no line\n%s", line)
		}
	}
}

func TestTableIsSortedAndSaysHow(t *testing.T) {
	names := map[string]bool{}
	for _, o := range Table {
		if o.How == "" || names[strings.ToLower(o.Name)] {
			t.Errorf("%s is there twice or says nothing", o.Name)
		}
		names[strings.ToLower(o.Name)] = true
	}
}
