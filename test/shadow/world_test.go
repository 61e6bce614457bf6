// Package shadow has other people's signers sign behind a real Postfix, and asks `postseal shadow` about what is delivered.
package shadow

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/child"
	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
	"github.com/postseal/postseal/test/internal/submit"
)

const milter = "127.0.0.1:8891" // of whoever signs

var (
	postseal daemon.Program
	mta      *postfix.Postfix
	nextHop  *sink.Sink
)

func TestMain(m *testing.M) {
	sandbox.MainWith(func() int {
		if err := build(sandbox.Dir()); err != nil {
			fmt.Fprintln(os.Stderr, "shadow:", err)
			return 1
		}
		code := m.Run()
		if err := mta.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "shadow:", err)
			return 1
		}
		return code
	})
}

func build(dir string) (err error) {
	if postseal, err = daemon.Install(dir); err != nil {
		return err
	}
	if nextHop, err = sink.Listen("127.7.0.9:25"); err != nil {
		return err
	}
	mta, err = postfix.Start(postfix.Config{
		Dir: filepath.Join(dir, "postfix"), ConfigDir: "/etc/postfix", NextHop: "127.7.0.9", Milter: "inet:" + milter,
		Listeners: []postfix.Listener{{Address: "127.7.0.1"}},
		Extra:     []string{"smtpd_relay_restrictions = permit_mynetworks, reject"},
	})
	return err
}

// place is a directory with two keys, a.pem and b.pem.
func place(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(sandbox.Dir(), strings.ReplaceAll(t.Name(), "/", "-"))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.pem", "b.pem"} {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, name, string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
	}
	return dir
}

// placed is a text of a configuration with dir in the place of DIR: not for keys and signatures, whose base64 may have it, too.
func placed(dir, text string) string { return strings.ReplaceAll(text, "DIR", dir) }

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// openDKIM signs with a configuration until the test ends.
func openDKIM(t *testing.T, dir, conf string) (file string) {
	t.Helper()
	file = write(t, dir, "opendkim.conf", "Syslog no\nBackground no\nUMask 002\nMode s\nRequireSafeKeys no\nSocket inet:8891@127.0.0.1\n"+placed(dir, conf))
	p, err := child.Start(exec.Command("opendkim", "-f", "-x", file), filepath.Join(dir, "opendkim.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	if err := p.Ready(milter); err != nil {
		t.Fatalf("%v\n%s", err, p.Log())
	}
	return file
}

const body = "The same text,  twice. \r\n\r\n.\r\n\r\n\r\n"

// deliver sends a message through Postfix and keeps what the next hop got, with the fields that a mailbox adds.
func deliver(t *testing.T, dir string) (path string) {
	t.Helper()
	session, err := submit.Open(submit.Options{Address: "127.7.0.1:25"})
	if err != nil {
		t.Fatal(err)
	}
	id := "<" + filepath.Base(dir) + "@a.test>"
	msg := "From: Ada <ada@a.test>\r\nTo: list@in.test,\r\n  other@in.test\r\nSubject: =?utf-8?q?folded?=\r\n and  more\r\nX-Own: yes\r\n" +
		"Date: Sun, 22 Nov 2026 03:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\nMessage-ID: " + id + "\r\n\r\n" + body
	if err := session.Send("ada@a.test", []string{"list@in.test"}, []byte(msg)); err != nil {
		t.Fatalf("%v\n%s", err, mta.Log())
	}
	if err := session.Quit(); err != nil {
		t.Error(err)
	}
	m, err := nextHop.Wait(id, func(m *sink.Message) bool { return strings.Contains(string(m.Data), id) })
	if err != nil {
		t.Fatalf("%v\n%s", err, mta.Log())
	}
	return write(t, dir, "delivered.eml", "Return-Path: <ada@a.test>\r\nDelivered-To: list@in.test\r\nReceived: by in.test\r\n"+string(m.Data))
}
