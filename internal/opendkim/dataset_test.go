package opendkim

import (
	"slices"
	"strings"
	"testing"
)

func TestSplitDataset(t *testing.T) {
	for value, want := range map[string][2]string{
		"/etc/x":             {"file", "/etc/x"},
		"file:x":             {"file", "x"},
		"refile:/etc/x":      {"refile", "/etc/x"},
		"csl:a,b":            {"csl", "a,b"},
		"a,b":                {"csl", "a,b"},
		"a":                  {"csl", "a"},
		"k=a.example:s:/key": {"csl", "k=a.example:s:/key"},
		"::1":                {"csl", "::1"},
		"127.0.0.1,::1":      {"csl", "127.0.0.1,::1"},
		"/etc/x.db":          {"db", "/etc/x.db"},
		"db:/etc/x":          {"db", "/etc/x"},
		"dsn:mysql://x":      {"dsn", "mysql://x"},
		"ldaps://x":          {"ldaps", "//x"},
		"REFILE:/etc/x":      {"refile", "/etc/x"},
		"Dsn:mysql://x":      {"dsn", "mysql://x"},
		"foo:/x":             {"unknown", "/x"},
	} {
		if kind, rest := splitDataset(value); kind != want[0] || rest != want[1] {
			t.Errorf("%s: have %s, %s, want %s, %s", value, kind, rest, want[0], want[1])
		}
	}
}

func TestParseDump(t *testing.T) {
	const head, tail = "type=hash\nHEADER=END\n", "DATA=END\n"
	for name, c := range map[string]struct {
		text string
		want []entry // nil: an error
	}{
		"printable":    {"VERSION=3\nformat=print\n" + head + " k1\n a.example:s:/key\n k\\00\n va\\5clue\\\\\n" + tail, []entry{{key: "k1", value: "a.example:s:/key"}, {key: "k", value: "va\\lue\\"}}},
		"hexadecimal":  {"VERSION=3\nformat=bytevalue\n" + head + " 6b00\n 76\n" + tail, []entry{{key: "k", value: "v"}}},
		"members only": {"format=print\n" + head + " k\n \n" + tail, []entry{{key: "k"}}},
		"empty":        {"format=print\n" + head + tail, []entry{}},
		"cut off":      {"format=print\n" + head + " k\n v\n", nil},
		"no value":     {"format=print\n" + head + " k\n" + tail, nil},
		"no header":    {" k\n v\n" + tail, nil},
		"bad digits":   {"format=bytevalue\n" + head + " 6g\n 76\n" + tail, nil},
		"half a digit": {"format=print\n" + head + " a\\0\n 76\n" + tail, nil},
		"no blank":     {"format=print\n" + head + "k\n v\n" + tail, nil},
		"line in line": {"format=print\n" + head + " k\\0aj\n v\n" + tail, nil},
	} {
		t.Run(name, func(t *testing.T) {
			have, err := parseDump("x", c.text)
			if c.want == nil {
				if err == nil {
					t.Errorf("have %v, want an error", have)
				}
				return
			}
			if err != nil || !slices.EqualFunc(have, c.want, func(a, b entry) bool { return a.key == b.key && a.value == b.value }) {
				t.Errorf("have %v, %v, want %v", have, err, c.want)
			}
		})
	}
}

// A dump beside the data base is read; without one the tool is asked.
func TestDataBase(t *testing.T) {
	const conf = single + "PeerList db:DIR/peers\n"
	const dump = "format=print\nHEADER=END\n 192.0.2.1\n \nDATA=END\n"
	files := key()
	files["peers.dump"] = dump
	r, _ := imported(t, conf, files)
	path := install(t, conf, key())
	asked, err := Import(path, Options{DumpDB: func(path string) ([]byte, error) { return []byte(dump), nil }})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*Result{r, asked} {
		if text := r.Config("/out"); !strings.Contains(text, `peers = ["192.0.2.1"]`) {
			t.Errorf("the peer is not in\n%s", text)
		}
	}
}

func FuzzParseDump(f *testing.F) {
	f.Add("VERSION=3\nformat=print\nHEADER=END\n k\\00\n v\\\\\nDATA=END\n")
	f.Add("format=bytevalue\nHEADER=END\n 6b\n 76\nDATA=END\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseDump("x", text)
		for _, e := range all {
			if err == nil && strings.ContainsAny(e.key+e.value, "\n\r\x00") {
				t.Errorf("%q %q would be two lines of a table", e.key, e.value)
			}
		}
	})
}

// Whatever stands in the files: an import says what is wrong, or gives files that are read again.
func FuzzImport(f *testing.F) {
	f.Add("Socket inet:1@localhost\nKeyTable DIR/kt\nSigningTable refile:DIR/st\n", "k a.example:s:DIR/key\n", "*@a.example k:@%\n")
	f.Add("Mode v\nOn-Default r\nInternalHosts !10.0.0.0/8,-\nSignHeaders *,+X,-To\n", "", "")
	f.Fuzz(func(t *testing.T, conf, keys, rows string) {
		if strings.Contains(strings.ToLower(conf), "nclude") {
			return // files of this host
		}
		path := install(t, conf, map[string]string{"kt": keys, "st": rows, "key": "KEY"})
		r, err := Import(path, testOptions)
		if err != nil {
			return
		}
		for _, l := range append(r.KeyTable, r.SigningTable...) {
			if strings.ContainsAny(l.Text, "\n\r") {
				t.Errorf("%q is no line", l.Text)
			}
		}
		r.Config("/out")
	})
}
