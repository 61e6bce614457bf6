package netlist

import (
	"net/netip"
	"strings"
	"testing"
)

func mustParse(t *testing.T, entries ...string) *List {
	t.Helper()
	l, errs := Parse(entries)
	if errs != nil {
		t.Fatal(errs)
	}
	return l
}

func TestContains(t *testing.T) {
	tests := []struct {
		name    string
		entries string // comma-separated
		host    string
		addr    string
		want    bool
		entry   string
	}{
		{"default, loopback", "127.0.0.0/8,::1", "localhost", "127.0.0.1", true, "127.0.0.0/8"},
		{"default, IPv6 loopback", "127.0.0.0/8,::1", "localhost", "::1", true, "::1"},
		{"default, stranger", "127.0.0.0/8,::1", "mx.example", "192.0.2.1", false, ""},
		{"empty list", "", "localhost", "127.0.0.1", false, ""},
		{"exception within a network", "192.0.2.0/24,!192.0.2.1", "", "192.0.2.1", false, "!192.0.2.1"},
		{"beside the exception", "192.0.2.0/24,!192.0.2.1", "", "192.0.2.2", true, "192.0.2.0/24"},
		{"address within an excepted network", "!192.0.2.0/24,192.0.2.1", "", "192.0.2.1", true, "192.0.2.1"},
		{"order is of no meaning", "192.0.2.1,!192.0.2.0/24", "", "192.0.2.1", true, "192.0.2.1"},
		{"longest prefix", "10.0.0.0/8,!10.1.0.0/16,10.1.2.0/24", "", "10.1.2.3", true, "10.1.2.0/24"},
		{"second longest prefix", "10.0.0.0/8,!10.1.0.0/16,10.1.2.0/24", "", "10.1.3.3", false, "!10.1.0.0/16"},
		{"both ways: exception wins", "192.0.2.1,!192.0.2.1", "", "192.0.2.1", false, "!192.0.2.1"},
		{"both ways, other order", "!192.0.2.1,192.0.2.1", "", "192.0.2.1", false, "!192.0.2.1"},
		{"brackets", "[192.0.2.1],[2001:db8::1]", "", "192.0.2.1", true, "[192.0.2.1]"},
		{"brackets, IPv6", "[192.0.2.1],[2001:db8::1]", "", "2001:db8::1", true, "[2001:db8::1]"},
		{"brackets round the address of a network", "[2001:db8::]/32", "", "2001:db8::1", true, "[2001:db8::]/32"},
		{"IPv6 spelling", "2001:DB8:0:0::1", "", "2001:db8::1", true, "2001:DB8:0:0::1"},
		{"4in6 client", "192.0.2.0/24", "", "::ffff:192.0.2.5", true, "192.0.2.0/24"},
		{"4in6 network", "::ffff:192.0.2.0/120", "", "192.0.2.5", true, "::ffff:192.0.2.0/120"},
		{"4in6 address", "::ffff:192.0.2.5", "", "192.0.2.5", true, "::ffff:192.0.2.5"},
		{"zone of a link-local client", "fe80::/10", "", "fe80::1%eth0", true, "fe80::/10"},
		{"all of IPv4", "0.0.0.0/0", "", "198.51.100.7", true, "0.0.0.0/0"},
		{"all of IPv4 is not IPv6", "0.0.0.0/0", "", "2001:db8::1", false, ""},
		{"all of IPv6 is not IPv4", "::/0", "", "::ffff:198.51.100.7", false, ""},

		{"host", "mail.example.net", "mail.example.net", "192.0.2.1", true, "mail.example.net"},
		{"host, other case", "Mail.Example.NET", "mail.EXAMPLE.net", "192.0.2.1", true, "Mail.Example.NET"},
		{"host, final dot", "mail.example.net", "mail.example.net.", "192.0.2.1", true, "mail.example.net"},
		{"host below a listed host", "example.net", "mail.example.net", "192.0.2.1", false, ""},
		{"domain", ".example.net", "a.b.example.net", "192.0.2.1", true, ".example.net"},
		{"domain is not itself", ".example.net", "example.net", "192.0.2.1", false, ""},
		{"domain at a label only", ".example.net", "badexample.net", "192.0.2.1", false, ""},
		{"top-level domain", ".net", "example.net", "192.0.2.1", true, ".net"},
		{"host excepted from a domain", ".example.net,!bad.example.net", "bad.example.net", "192.0.2.1", false, "!bad.example.net"},
		{"subdomain excepted", ".example.net,!.cust.example.net", "a.cust.example.net", "192.0.2.1", false, "!.cust.example.net"},
		{"host in an excepted subdomain", ".example.net,!.cust.example.net,a.cust.example.net", "a.cust.example.net", "192.0.2.1", true, "a.cust.example.net"},
		{"name before address", "!.example.net,192.0.2.0/24", "a.example.net", "192.0.2.1", false, "!.example.net"},
		{"address if no name matches", "!.example.net,192.0.2.0/24", "a.example.org", "192.0.2.1", true, "192.0.2.0/24"},
		{"unverified client", ".example.net,192.0.2.0/24", "[192.0.2.1]", "192.0.2.1", true, "192.0.2.0/24"},
		{"bracketed name is no name", ".example.net", "[x.example.net", "192.0.2.1", false, ""},
		{"unknown name", ".net", "unknown", "192.0.2.1", false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var entries []string
			if tt.entries != "" {
				entries = strings.Split(tt.entries, ",")
			}
			got, entry := mustParse(t, entries...).Contains(tt.host, netip.MustParseAddr(tt.addr))
			if got != tt.want || entry != tt.entry {
				t.Errorf("Contains(%q, %s) = %v by %q, want %v by %q", tt.host, tt.addr, got, entry, tt.want, tt.entry)
			}
		})
	}
}

// OpenDKIM takes an unknown address family for 127.0.0.1 and signs.
func TestUnknownFamilyIsNotTrusted(t *testing.T) {
	l := mustParse(t, "127.0.0.0/8", "0.0.0.0/0", "::/0", "localhost", ".example.net")
	for _, host := range []string{"localhost", "a.example.net", "unknown", ""} {
		if got, entry := l.Contains(host, netip.Addr{}); got || entry != "" {
			t.Errorf("host %q with no address: %v by %q", host, got, entry)
		}
	}
}

func TestEmptyLists(t *testing.T) {
	for name, l := range map[string]*List{"nil": nil, "zero": {}, "parsed": mustParse(t)} {
		if got, _ := l.Contains("localhost", netip.MustParseAddr("127.0.0.1")); got || l.Len() != 0 {
			t.Errorf("%s list: contains %v, length %d", name, got, l.Len())
		}
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct{ entry, reason string }{
		{"10.0.0.1/8", "host bits are set; write 10.0.0.0/8 for the network or 10.0.0.1 for the one address"},
		{"!2001:db8::1/32", "host bits are set; write 2001:db8::/32 for the network or 2001:db8::1 for the one address"},
		{"192.0.2.0/33", "not a network; write ADDRESS/BITS, such as 192.0.2.0/24"},
		{"192.0.2/24", "not a network; write ADDRESS/BITS, such as 192.0.2.0/24"},
		{"192.0.2.256", "not an IPv4 address; write 192.0.2.0/24 for a network"},
		{"192.0.2.", "not an IPv4 address; write 192.0.2.0/24 for a network"},
		{"2001:db8::g", "not an IPv6 address"},
		{"fe80::1%eth0", "write the address without its zone (%eth0)"},
		{"[192.0.2.1", `"[" without "]"`},
		{"", "empty entry"},
		{"!", "empty entry"},
		{".", "empty entry"},
		{"-", "write an empty list for nobody"},
		{"unknown", "that is the MTA's name for every client without a verified one; list addresses instead"},
		{"*.example.net", `no "*" in host names; write .example.net for every name below example.net`},
		{"a..example.net", "not a host name: empty or overlong label"},
		{"bücher.example", "not a host name: only letters, digits, hyphen and underscore; an internationalized name is written as xn--..."},
		{"mail.example.net 192.0.2.1", "not a host name: only letters, digits, hyphen and underscore; an internationalized name is written as xn--..."},
		{strings.Repeat("a", 300), "host name over 253 octets"},
	}
	for _, tt := range tests {
		t.Run(tt.entry, func(t *testing.T) {
			l, errs := Parse([]string{tt.entry})
			if l != nil || len(errs) != 1 {
				t.Fatalf("Parse(%q) = %v, %v, want one error", tt.entry, l, errs)
			}
			if got := errs[0].(*EntryError).Reason; got != tt.reason {
				t.Errorf("reason %q, want %q", got, tt.reason)
			}
		})
	}
}

func TestParseNamesEveryBadEntry(t *testing.T) {
	_, errs := Parse([]string{"192.0.2.0/24", "10.0.0.1/8", "example.net", "*", strings.Repeat("x", 1000)})
	if len(errs) != 3 {
		t.Fatalf("%d errors, want 3: %v", len(errs), errs)
	}
	for i, want := range []int{1, 3, 4} {
		if got := errs[i].(*EntryError).Index; got != want {
			t.Errorf("error %d is about entry %d, want %d", i, got, want)
		}
	}
	if got := errs[0].Error(); !strings.HasPrefix(got, `"10.0.0.1/8": host bits`) {
		t.Errorf("error %q does not name its entry", got)
	}
	if got := errs[2].Error(); len(got) > 200 {
		t.Errorf("error of %d bytes", len(got))
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"192.0.2.0/24", "!::1", "[::1]", ".example.net", "10.0.0.1/8", "::ffff:1.2.3.0/120"} {
		f.Add(seed, "mail.example.net", "192.0.2.1")
	}
	f.Fuzz(func(t *testing.T, entry, host, client string) {
		l, errs := Parse([]string{entry})
		if (l == nil) == (errs == nil) {
			t.Fatalf("Parse(%q) = %v, %v", entry, l, errs)
		}
		addr, _ := netip.ParseAddr(client)
		listed, by := l.Contains(host, addr)
		if listed && (by != entry || !addr.IsValid()) {
			t.Errorf("Contains(%q, %v) by %q of %q", host, addr, by, entry)
		}
	})
}
