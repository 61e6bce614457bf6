package keytable

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
)

func readLines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func readText(t *testing.T, path string) string {
	t.Helper()
	return strings.Join(readLines(t, path), "\n") + "\n"
}

const oneKey = "mail example.com:s1:./rsa1.pem\n"

// A line that is no row refuses the tables, and every such line is named.
func TestSyntaxErrors(t *testing.T) {
	tests := []struct{ name, keytable, signing string }{
		{"keytable.syntax", readText(t, "testdata/keytable.syntax"), ""},
		{"signing.syntax", oneKey, readText(t, "testdata/signing.syntax")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			s.write("keytable", tt.keytable)
			s.write("signingtable", tt.signing)
			tables, err := Load(Options{KeyTable: s.path("keytable"), SigningTable: s.path("signingtable")})
			var ps Problems
			if tables != nil || !errors.As(err, &ps) {
				t.Fatalf("Load = %v, %T, want Problems", tables, err)
			}
			got := strings.Split(s.relative(err.Error()), "\n")
			equal(t, "problems", got, readLines(t, "testdata/"+tt.name+".want"))
		})
	}
}

// A row that cannot work is named, and is alone out of service.
func TestFaults(t *testing.T) {
	tests := []struct{ name, spec, keytable, signing string }{
		{"keytable.faults", "file:", readText(t, "testdata/keytable.faults"), ""},
		{"refile.faults", "refile:", oneKey, readText(t, "testdata/refile.faults")},
		{"file.faults", "file:", oneKey, readText(t, "testdata/file.faults")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			s.write("public.pem", pemOf(rsa1()))
			s.write("notakey.pem", "this is no key\n")
			s.write("keys/x", "")
			s.write("empty/x/key.pem", pemOf(rsa1()))
			s.write("example.com:mail.pem", pemOf(rsa1()))
			if err := os.Chmod(s.path("public.pem"), 0o644); err != nil {
				t.Fatal(err)
			}
			tables := s.load(tt.keytable, tt.spec, tt.signing, nil)
			equal(t, "problems", s.problems(tables), readLines(t, "testdata/"+tt.name+".want"))
		})
	}
}

// No problem, of whatever bad line, shows a key.
func TestProblemsShowNoKey(t *testing.T) {
	key := derOf(rsa1())
	s := newSite(t)
	for _, line := range []string{
		key,
		"name " + key,
		"name example.com:" + key,
		"name example.com:s1:" + key + ":" + key,
		"name example.com:s1:x" + key[1:],
		"name example.com:s1:" + key[:len(key)-40] + ":rsa-sha256",
		"name example.com:s1:-----BEGIN RSA PRIVATE KEY-----" + key,
		pemOf(rsa1()),
	} {
		s.write("keytable", line+"\n")
		tables, err := Load(Options{KeyTable: s.path("keytable")})
		var text string
		if err != nil {
			text = err.Error()
		} else {
			text = strings.Join(s.problems(tables), "\n")
		}
		if text == "" {
			t.Errorf("line of %d octets: no problem", len(line))
		}
		for i := 0; i+20 < len(key); i += 10 {
			if strings.Contains(text, key[i:i+20]) {
				t.Fatalf("the problem quotes the key: %s", text)
			}
		}
	}
}

func TestInlineKeys(t *testing.T) {
	oneLine := func(sep string) string { return strings.ReplaceAll(strings.TrimSpace(pemOf(rsa1())), "\n", sep) }
	seed := strings.Repeat("A", 43) + "="
	tests := []struct{ name, key, algorithm string }{
		{"base64 of PKCS#8, RSA", derOf(rsa1()), "rsa-sha256"},
		{"base64 of PKCS#8, Ed25519", derOf(ed1()), "ed25519-sha256"},
		{"base64 of a seed", seed, "ed25519-sha256"},
		{"with its algorithm", derOf(ed1()) + ":ed25519-sha256", "ed25519-sha256"},
		{"algorithm in upper case", derOf(rsa1()) + ":RSA-SHA256", "rsa-sha256"},
		{"with a last colon", derOf(rsa1()) + ":", "rsa-sha256"},
		{"PEM with blanks", oneLine(" "), "rsa-sha256"},
		{"PEM with \\n", oneLine(`\n`), "rsa-sha256"},
		{"PEM with nothing", oneLine(""), "rsa-sha256"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			tables := s.load("mail example.com:s1:"+tt.key+"\n", "file:", "example.com mail\n", nil)
			equal(t, "problems", s.problems(tables), nil)
			ref := tables.Find(Query{Sender: address(t, "a@example.com")})[0].Keys[0]
			key, err := ref.Private()
			if err != nil {
				t.Fatal(err)
			}
			if key.Algorithm().String() != tt.algorithm || ref.Algorithm.String() != tt.algorithm {
				t.Errorf("key for %v, reference says %v, want %s", key.Algorithm(), ref.Algorithm, tt.algorithm)
			}
			if ref.File() != "" {
				t.Errorf("File() = %q", ref.File())
			}
		})
	}
}

// OpenDKIM cuts lines at 1023 octets; here a 4096-bit key fits.
func TestLongLine(t *testing.T) {
	s := newSite(t)
	key := generate(dkim.RSASHA256, 4096)
	tables := s.load("mail example.com:s1:"+derOf(key)+"\n", "file:", "example.com mail\n", nil)
	equal(t, "problems", s.problems(tables), nil)
}

func TestInlineKeyInPublicTable(t *testing.T) {
	s := newSite(t)
	text := "mail example.com:s1:" + derOf(ed1()) + "\nfile example.com:s2:./rsa1.pem\n"
	s.write("keytable", text)
	if err := os.Chmod(s.path("keytable"), 0o644); err != nil {
		t.Fatal(err)
	}
	tables, err := Load(Options{KeyTable: s.path("keytable")})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "problems", s.problems(tables), []string{
		"keytable:1: every user of this host can read or change the private key in this line (chmod o-rwx keytable)",
	})
}

func TestTextOfTables(t *testing.T) {
	s := newSite(t)
	tables := s.load(
		"\ufeff# comment\r\n\r\n  mail\t  Example.COM : s1 : "+s.path("rsa1.pem")+"  # note\r\n",
		"file:",
		"example.com mail#comment\r\n   \r\nbücher.example:x mail\n", nil)
	equal(t, "problems", s.problems(tables), []string{
		`signingtable:3: pattern "bücher.example:x" never matches: invalid domain: no internationalized domain name`,
	})
	equal(t, "keys", keysOf(tables.Find(Query{Sender: address(t, "a@example.com")})), []string{"mail/example.com/s1"})
}

func TestFilesThatCannotBeRead(t *testing.T) {
	s := newSite(t)
	s.write("long", "mail example.com:s1:"+strings.Repeat("A", maxLine)+"\n")
	s.write("keytable", oneKey)
	tests := []struct{ name, keytable, signing, want string }{
		{"missing", s.path("nothere"), "", "nothere: cannot read the KeyTable: no such file or directory (write it, or mend sign.keytable in postseal.toml; an empty one there means that there is none)"},
		{"directory", s.dir, "", "DIR: cannot read the KeyTable: not a regular file (see sign.keytable in postseal.toml)"},
		{"long line", s.path("long"), "", "long:1: line over 64 KiB"},
		{"signing table missing", s.path("keytable"), "refile:" + s.path("nothere"), "nothere: cannot read the SigningTable: no such file or directory (write it, or mend sign.signingtable in postseal.toml; an empty one there means that there is none)"},
		{"other data set", "dsn:mysql://x", "", `dsn:mysql://x: cannot read the KeyTable: data sets of type "dsn" are not supported; write the lines into a file and name it as file:PATH or refile:PATH (see sign.keytable in postseal.toml)`},
		{"no path", "refile:", "", "refile:: cannot read the KeyTable: no path behind the colon (see sign.keytable in postseal.toml)"},
		{"both", s.path("nothere"), s.path("nothere"), "nothere: cannot read the KeyTable: no such file or directory (write it, or mend sign.keytable in postseal.toml; an empty one there means that there is none)\nnothere: cannot read the SigningTable: no such file or directory (write it, or mend sign.signingtable in postseal.toml; an empty one there means that there is none)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(Options{KeyTable: tt.keytable, SigningTable: tt.signing})
			if err == nil {
				t.Fatal("no error")
			}
			got := strings.ReplaceAll(s.relative(err.Error()), s.dir, "DIR")
			if got != tt.want {
				t.Errorf("error %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNoTables(t *testing.T) {
	tables, err := Load(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if m := tables.Find(Query{Sender: address(t, "a@example.com")}); m != nil || tables.Problems() != nil {
		t.Errorf("Find = %v, Problems = %v", m, tables.Problems())
	}
	s := newSite(t)
	s.write("signingtable", "example.com mail\n")
	tables, err = Load(Options{SigningTable: s.path("signingtable")})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "problems", s.problems(tables), []string{`signingtable:1: no key named "mail": there is no KeyTable`})
}

// What can be known without reading a key is known before the first message.
func TestProblemsAtLoad(t *testing.T) {
	s := newSite(t)
	s.write("public.pem", pemOf(rsa1()))
	if err := os.Chmod(s.path("public.pem"), 0o602); err != nil {
		t.Fatal(err)
	}
	tables := s.load("pub example.com:s1:./public.pem\n"+
		"gone example.com:s1:./nothere.pem\n"+
		"same example.com:s1:./rsa1.pem\nsame example.com:s2:./rsa1.pem\n"+
		"said example.com:s1:./rsa1.pem:rsa-sha256\nsaid example.com:s2:./rsa2.pem:rsa-sha256\n"+
		"later example.com:s1:./rsa1.pem\nlater example.com:s2:./rsa2.pem\n", "file:", "", nil)
	var got []int
	for _, p := range tables.Problems() {
		got = append(got, p.Line)
	}
	if want := []int{1, 2, 3, 4, 5, 6}; !slices.Equal(got, want) {
		t.Errorf("problems in lines %v, want %v", got, want)
	}
}
