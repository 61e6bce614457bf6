// A key of 768 bits, which verifiers refuse, has to be made first.
//
//go:debug rsa1024min=0

// Package migrate judges `postseal import opendkim` by the real opendkim: the same messages go through both programs,
// with an opendkim.conf and with what the import made of it, and what they add, remove and answer is compared.
package migrate

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"path/filepath"
	"testing"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/nameserver"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
)

var (
	postseal daemon.Program
	keys     = map[string]*rsa.PrivateKey{} // a and b sign for us, c and small for strangers
	edwards  ed25519.PrivateKey             // signs for a.test
	dns      *nameserver.Server             // for the story, and for dkimpy
	nextHop  *sink.Sink                     // of the story's Postfix
)

func TestMain(m *testing.M) { sandbox.MainAfter(m, build) }

func build(dir string) (err error) {
	if postseal, err = daemon.Install(dir); err != nil {
		return err
	}
	for name, bits := range map[string]int{"a": 2048, "b": 2048, "c": 1024, "small": 768} {
		if keys[name], err = rsa.GenerateKey(rand.Reader, bits); err != nil {
			return err
		}
	}
	if _, edwards, err = ed25519.GenerateKey(rand.Reader); err != nil {
		return err
	}
	if nextHop, err = sink.Listen(sinkAddress + ":25"); err != nil {
		return err
	}
	if dns, err = nameserver.Start(filepath.Join(dir, "dns"), sandbox.Resolver, sandbox.OuterIPv4); err != nil {
		return err
	}
	for name, record := range records() {
		if err := dns.SetTXT(name, record); err != nil {
			return err
		}
	}
	return nil
}

// record is the key record of one of keys.
func record(name string) string {
	spki, err := x509.MarshalPKIXPublicKey(keys[name].Public())
	if err != nil {
		panic(err) // an RSA key always can be written
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(spki)
}

// privatePEM is a key file, as opendkim-genkey writes it.
func privatePEM(name string) string {
	if name == "ed25519" {
		pkcs8, err := x509.MarshalPKCS8PrivateKey(edwards)
		if err != nil {
			panic(err) // an Ed25519 key always can be written
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	}
	block := pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(keys[name])}
	return string(pem.EncodeToMemory(&block))
}

// records are all key records, by name.
func records() map[string]string {
	all := map[string]string{
		"c._domainkey.stranger.test":       record("c"),
		"small._domainkey.stranger.test":   record("small"),
		"revoked._domainkey.stranger.test": "v=DKIM1; p=",
		"testing._domainkey.stranger.test": "v=DKIM1; t=y; " + record("c")[len("v=DKIM1; "):],
	}
	all["ed._domainkey.a.test"] = "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(edwards.Public().(ed25519.PublicKey))
	for _, domain := range []string{"a.test", "b.test", "sub.a.test", "x.sub.a.test", "nowhere.test", "exempt.test"} {
		for selector, key := range map[string]string{"sa": "a", "sb": "b", "ss": "b", "sp": "a"} {
			all[selector+"._domainkey."+domain] = record(key)
		}
	}
	return all
}
