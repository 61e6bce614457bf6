package check

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/postseal/postseal/dkim"
)

// testCase is a zone file with what its first lines say:
//
//	; what somebody did
//	; servers: ns1 ns2           who serves it; this is the default. NAME.TLD is another name of ns1
//	; subject: key=ed domain=sub what is checked: s1._domainkey of the zone with the RSA key, unless told otherwise
//	; want: SEVERITY VERDICT     of the finding that the file is named for; severity none: no finding at all
//	; got: TEXT                  is part of what came back
//	; zone: NAME                 if it is not that of the file
type testCase struct {
	name     string // of the file: "D201-cname"
	zone     string // "d201-cname.test"
	servers  []string
	subject  map[string]string
	severity string
	verdict  string
	got      string
	text     string // the zone
	second   string // the zone at ns3, from NAME.second
	secondAt string // its name
	data     string // for tinydns, from NAME.data
}

// code is the finding: "D201".
func (c testCase) code() string {
	code, _, _ := strings.Cut(c.name, "-")
	return code
}

// Every zone begins so, unless it has an SOA record of its own.
const soa = "@ SOA ns1.dns.test. host.dns.test. 1 3600 600 1209600 600\n"

func readCases(dir string) ([]testCase, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.zone"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no zones below %s: %v", dir, err)
	}
	var all []testCase
	for _, file := range files {
		c := testCase{name: strings.TrimSuffix(filepath.Base(file), ".zone"), servers: []string{"ns1", "ns2"}, subject: map[string]string{}}
		c.zone = strings.ToLower(c.name) + ".test"
		if c.text, err = c.read(file); err != nil {
			return nil, err
		}
		second := strings.TrimSuffix(file, ".zone") + ".second"
		if _, err := os.Stat(second); err == nil {
			other := c
			if c.second, err = other.read(second); err != nil {
				return nil, err
			}
			c.secondAt = other.zone
		}
		data, err := os.ReadFile(strings.TrimSuffix(file, ".zone") + ".data")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		c.data = string(data)
		all = append(all, c)
	}
	return all, nil
}

// read takes in the first lines of a file and returns the zone.
func (c *testCase) read(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, ";")), ": ")
		if !ok || line[0] != ';' {
			continue
		}
		words := strings.Fields(value)
		switch key {
		case "servers":
			c.servers = words
		case "zone":
			c.zone = value
		case "got":
			c.got = value
		case "want":
			c.severity, c.verdict = words[0], words[1]
		case "subject":
			for _, word := range words {
				name, value, _ := strings.Cut(word, "=")
				c.subject[name] = value
			}
		}
	}
	t, err := template.New(file).Funcs(functions).Parse(string(text))
	if err != nil {
		return "", err
	}
	var zone bytes.Buffer
	fmt.Fprintf(&zone, "$ORIGIN %s.\n$TTL 3600\n", c.zone)
	if !strings.Contains(string(text), " SOA ") {
		zone.WriteString(soa)
	}
	for _, ns := range c.servers {
		fmt.Fprintf(&zone, "@ NS %s.\n", nsName(ns))
	}
	err = t.Execute(&zone, keys)
	return zone.String(), err
}

// functions of the zone files. txt joins its arguments and writes them as the strings of one TXT record.
var functions = template.FuncMap{
	"txt": func(parts ...string) string {
		var out []string
		for _, s := range dkim.TXTStrings(strings.Join(parts, "")) {
			out = append(out, quoted(s))
		}
		return strings.Join(out, " ")
	},
	"cut":     func(s string, n int) string { return s[:n] },
	"from":    func(s string, n int) string { return s[n:] },
	"replace": strings.ReplaceAll,
}

// quoted writes a string as zone files have it (RFC 1035 section 5.1).
func quoted(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\%03d`, c)
		default:
			b.WriteByte(c)
		}
	}
	return `"` + b.String() + `"`
}

// keys is what the zone files put in, and what signs.
var keys struct {
	rsa, other, ed, small *dkim.PrivateKey
	file                  string // with rsa

	Record, Other, Ed, Small, Large string // whole records
	P                               string // p= of Record
	PKCS1, EdWrapped, Private       string // p= of the wrong kind
	Cubic                           string // p= of RSA with the exponent 3
}

func makeKeys(dir string) (err error) {
	generate := func(a dkim.Algorithm, bits int) (key *dkim.PrivateKey) {
		if err == nil {
			key, err = dkim.Generate(a, bits)
		}
		return key
	}
	large := generate(dkim.RSASHA256, 4096)
	keys.rsa, keys.other = generate(dkim.RSASHA256, 2048), generate(dkim.RSASHA256, 2048)
	keys.small, keys.ed = generate(dkim.RSASHA256, 1024), generate(dkim.Ed25519SHA256, 0)
	for err == nil && !strings.Contains(keys.rsa.PublicRecord(), "+") { // what forms and programs stumble on
		keys.rsa = generate(dkim.RSASHA256, 2048)
	}
	if err != nil {
		return err
	}
	keys.Record, keys.Other, keys.Ed = keys.rsa.PublicRecord(), keys.other.PublicRecord(), keys.ed.PublicRecord()
	keys.Small, keys.Large = keys.small.PublicRecord(), large.PublicRecord()
	_, keys.P, _ = strings.Cut(keys.Record, "p=")
	keys.PKCS1 = base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(keys.rsa.Public().(*rsa.PublicKey)))
	wrapped, err := x509.MarshalPKIXPublicKey(keys.ed.Public().(ed25519.PublicKey))
	if err != nil {
		return err
	}
	keys.EdWrapped = base64.StdEncoding.EncodeToString(wrapped)
	cubic, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: keys.rsa.Public().(*rsa.PublicKey).N, E: 3})
	if err != nil {
		return err
	}
	keys.Cubic = base64.StdEncoding.EncodeToString(cubic)
	private, err := keys.rsa.PEM()
	if err != nil {
		return err
	}
	block, _ := pem.Decode(private)
	keys.Private = base64.StdEncoding.EncodeToString(block.Bytes)
	keys.file = filepath.Join(dir, "rsa.pem")
	return os.WriteFile(keys.file, private, 0o600)
}

// primaryZones are those of ns1 and ns2: the root, the names of the servers, and every case that they serve.
func primaryZones(cases []testCase) map[string]string {
	root := "$ORIGIN .\n$TTL 3600\n" + soa + "@ NS ns1.dns.test.\n"
	names := "$ORIGIN dns.test.\n$TTL 3600\n" + soa + "@ NS ns1.dns.test.\n"
	for name, address := range addresses {
		names += name + " A " + address + "\n"
	}
	root += "dns.test. NS ns1.dns.test.\nns1.dns.test. A " + addresses["ns1"] + "\n"
	zones := map[string]string{"dns.test": names}
	for _, c := range cases {
		for _, ns := range c.servers {
			root += c.zone + ". NS " + nsName(ns) + ".\n"
			if strings.Contains(ns, ".") {
				root += ns + ". A " + addresses["ns1"] + "\n"
			}
			if ns == "ns1" || strings.Contains(ns, ".") {
				zones[c.zone] = c.text
			}
		}
	}
	zones[""] = root
	return zones
}

// nsName is the name of a server: one with a dot has it, and is ns1.
func nsName(ns string) string {
	if strings.Contains(ns, ".") {
		return ns
	}
	return ns + ".dns.test"
}

func secondZones(cases []testCase) map[string]string {
	zones := map[string]string{}
	for _, c := range cases {
		if c.second != "" {
			zones[c.secondAt] = c.second
		}
	}
	return zones
}
