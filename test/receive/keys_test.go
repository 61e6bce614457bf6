package receive

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/zones"
)

// key is a key of somebody outside.
type key struct{ *rsa.PrivateKey }

func newKey(bits int) (key, error) {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	return key{k}, err
}

// public is p= of a key record.
func (k key) public() string {
	spki, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		panic(err) // an RSA key always can be written
	}
	return base64.StdEncoding.EncodeToString(spki)
}

func (k key) record() string { return "v=DKIM1; k=rsa; p=" + k.public() }

// sign returns msg with a signature of go-msgauth above it.
func (k key) sign(msg []byte, domain, selector string) []byte {
	var signed bytes.Buffer
	err := dkim.Sign(&signed, bytes.NewReader(msg), &dkim.SignOptions{
		Domain: domain, Selector: selector, Signer: k, Hash: crypto.SHA256,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		HeaderKeys: []string{"From", "To", "Subject", "Date", "Message-ID"},
	})
	if err != nil {
		panic(err) // our own message and key
	}
	return signed.Bytes()
}

// strangersKey is published at many names, largeKey has 4096 bits, and nobody publishes otherKey; labRecord belongs to
// labKeyFile, with which OpenDKIM, Rspamd, dkimpy and postseal sign for lab.test.
var (
	strangersKey, largeKey, otherKey key
	labRecord                        string
)

func labKeyFile() string { return filepath.Join(sandbox.Dir(), "lab.pem") }

func makeKeys() (err error) {
	for k, bits := range map[*key]int{&strangersKey: 2048, &largeKey: 4096, &otherKey: 2048} {
		if *k, err = newKey(bits); err != nil {
			return err
		}
	}
	labRecord, err = postseal.Keygen("lab.test", "postseal", "rsa", labKeyFile())
	return err
}

// allZones is DNS as our stories see it.
func allZones() []zones.Zone {
	good := strangersKey.record()
	return []zones.Zone{
		{Name: "lab.test", Records: keyRecords(map[string]string{
			"dkimpy": labRecord, "opendkim": labRecord, "rspamd": labRecord, "postseal": labRecord,
		})},
		{Name: "plain.test", Records: keyRecords(map[string]string{
			"good":    good,
			"large":   largeKey.record(),
			"long":    "v=DKIM1; n=" + strings.Repeat("notes ", 200) + "; k=rsa; p=" + strangersKey.public(),
			"revoked": "v=DKIM1; p=",
			"testing": "v=DKIM1; t=y; p=" + strangersKey.public(),
			"prose":   "there is no key here",
			"*.wild":  good,
		}) + `
two._domainkey      ` + zones.TXT("v=spf1 -all") + `
two._domainkey      ` + zones.TXT(otherKey.record()) + `
two._domainkey      ` + zones.TXT(good) + `
host._domainkey     A     192.0.2.99
chain._domainkey    CNAME chain._domainkey.other.test.
dangling._domainkey CNAME nothing._domainkey
loop._domainkey     CNAME pool._domainkey
pool._domainkey     CNAME loop._domainkey
`},
		{Name: "other.test", Records: "chain._domainkey CNAME good._domainkey.signed.test."},
		{Name: "signed.test", Trust: zones.Secure, Records: keyRecords(map[string]string{"good": good}) + "chain._domainkey CNAME good._domainkey"},
		{Name: "bogus.test", Trust: zones.Bogus, Records: keyRecords(map[string]string{"good": good})},
		{Name: "bank.test", Records: keyRecords(map[string]string{"good": good}) + "_dmarc " + zones.TXT("v=DMARC1; p=reject")},
		{Name: "fault.test", Trust: zones.Delegated},
	}
}

// keyRecords writes key records, by selector.
func keyRecords(bySelector map[string]string) string {
	var b strings.Builder
	for selector, record := range bySelector {
		fmt.Fprintf(&b, "%s._domainkey %s\n", selector, zones.TXT(record))
	}
	return b.String()
}
