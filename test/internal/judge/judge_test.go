package judge

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"path/filepath"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/postseal/postseal/test/internal/nameserver"
	"github.com/postseal/postseal/test/internal/sandbox"
)

func TestMain(m *testing.M) { sandbox.Main(m) }

const message = "From: alice@lab.test\r\nTo: bob@in.test\r\nSubject: judged\r\nDate: Sat, 21 Nov 2026 21:00:00 +0000\r\n\r\nHello, Bob.\r\n"

// A judge is worth something only if it accepts what is right and refuses what is not.
func TestJudgesAcceptASignedMessageAndRefuseAChangedOne(t *testing.T) {
	dns, err := nameserver.Start(filepath.Join(sandbox.Dir(), "dns"), sandbox.Resolver, sandbox.OuterIPv4)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(rsaKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	publish(t, dns, "r", "rsa", spki)
	publish(t, dns, "e", "ed25519", edPublic)
	msg := sign(t, sign(t, []byte(message), "r", rsaKey), "e", edKey)

	for _, j := range All {
		t.Run(j.Name, func(t *testing.T) {
			expect(t, j, msg, true)
			expect(t, j, bytes.Replace(msg, []byte("Bob."), []byte("Bot."), 1), false)
			expect(t, j, bytes.Replace(msg, []byte("judged"), []byte("fudged"), 1), false)
		})
	}
}

func expect(t *testing.T, j Judge, msg []byte, pass bool) {
	t.Helper()
	verdicts, err := j.Verdict(msg)
	if err != nil || len(verdicts) != 2 {
		t.Fatalf("want two verdicts, have %v, %v", verdicts, err)
	}
	for _, v := range verdicts {
		if v.Pass != pass || v.Domain != "lab.test" {
			t.Errorf("want pass=%t, have %v", pass, v)
		}
	}
}

func publish(t *testing.T, dns *nameserver.Server, selector, algorithm string, key []byte) {
	t.Helper()
	record := "v=DKIM1; k=" + algorithm + "; p=" + base64.StdEncoding.EncodeToString(key)
	if err := dns.SetTXT(selector+"._domainkey.lab.test", record); err != nil {
		t.Fatal(err)
	}
}

func sign(t *testing.T, msg []byte, selector string, key crypto.Signer) []byte {
	t.Helper()
	var signed bytes.Buffer
	err := dkim.Sign(&signed, bytes.NewReader(msg), &dkim.SignOptions{
		Domain: "lab.test", Selector: selector, Signer: key, Hash: crypto.SHA256,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		HeaderKeys: []string{"From", "To", "Subject"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return signed.Bytes()
}
