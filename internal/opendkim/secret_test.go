package opendkim

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Reports go into tickets and mails. They quote lines, but nothing that is secret in them.
func TestNothingSecretIsTold(t *testing.T) {
	path := install(t, "", key())
	pem, err := os.ReadFile(filepath.Join(filepath.Dir(path), "key"))
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.Split(string(pem), "\n")[1] // base64 of PKCS #8
	for name, c := range map[string]struct {
		conf  string
		files map[string]string
	}{
		"a password":                   {single + "LDAPBindPassword " + secret, nil},
		"a password in a URL":          {single + "SMTPURI smtp://user:" + secret + "@mail.example/", nil},
		"a password with a slash":      {single + "SMTPURI smtp://user:/" + secret + "@mail.example/", nil},
		"a password with an @":         {single + "SMTPURI smtp://user:@" + secret + "@mail.example/", nil},
		"a password for no known type": {single + "PeerList mysql://user:" + secret + "@db.example/", nil},
		"a key in a list":              {"KeyTable csl:k=example.com:s:" + secret + "\nSigningTable csl:example.com=k\nSocket inet:1@localhost", nil},
		"a key for a table":            {"KeyTable DIR/pem\nSigningTable DIR/pem\nSocket inet:1@localhost", nil},
		"a key for a file to include":  {single + "Include DIR/pem", nil},
		"a key for opendkim.conf":      {string(pem), nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := install(t, c.conf, map[string]string{"key": "KEY", "pem": string(pem)})
			r, err := Import(path, testOptions)
			said := fmt.Sprint(err)
			if err == nil {
				said = fmt.Sprint(r.Notes)
			}
			for i := 0; i+12 <= len(secret); i++ {
				if strings.Contains(said, secret[i:i+12]) {
					t.Fatalf("a part of the secret is told: %s", said)
				}
			}
		})
	}
}

// OpenDKIM reads such a comment's end as a line.
func TestLongLinesAreTold(t *testing.T) {
	files := key()
	files["hosts"] = "192.0.2.1\n# " + strings.Repeat("x", maxLine-2) + "192.0.2.2\n# " + strings.Repeat("x", maxLine-2) + "\n"
	r, dir := imported(t, single+"InternalHosts DIR/hosts\n", files)
	var told []string
	for _, n := range r.Notes {
		if n.At.Path == filepath.Join(dir, "hosts") {
			told = append(told, fmt.Sprint(n.At.Line, " ", n.Fate))
		}
	}
	if !slices.Equal(told, []string{"2 differs"}) {
		t.Errorf("told of lines %q, want line 2", told)
	}
}
