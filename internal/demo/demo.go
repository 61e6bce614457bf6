// Package demo runs postseal's main job on embedded parts, so that a newcomer
// sees it work before touching a mail server: it makes keys, serves their
// records from a DNS server in this process, runs the real daemon on a real
// socket, plays the MTA with emersion/go-milter's client, and has
// emersion/go-msgauth, which shares no code with us, judge the result.
package demo

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	msgauth "github.com/emersion/go-msgauth/dkim"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns/dnstest"
	"github.com/postseal/postseal/internal/mailaddr"
)

// Sample is the message that the demo sends when it is given none.
//
//go:embed sample.eml
var Sample []byte

// demo is the state of one run.
type demo struct {
	out  io.Writer
	step int
	dir  string // removed at the end
	dns  *dnstest.Server
}

// Run signs a message (CRLF line ends) and verifies the result, telling each
// step. It returns an error unless every signature verifies. Nothing is left
// behind.
func Run(ctx context.Context, message []byte, out io.Writer) (err error) {
	d := &demo{out: out}
	if d.dir, err = os.MkdirTemp("", "postseal-demo-"); err != nil {
		return err
	}
	defer os.RemoveAll(d.dir)
	if d.dns, err = dnstest.Listen(); err != nil {
		return err
	}
	defer d.dns.Close()

	domain, err := authorDomain(message)
	if err != nil {
		return err
	}
	if err := d.makeKeys(domain); err != nil {
		return err
	}
	delivered, err := d.deliver(ctx, domain, message)
	if err != nil {
		return err
	}
	return d.judge(delivered)
}

func (d *demo) say(format string, args ...any) {
	d.step++
	fmt.Fprintf(d.out, "%d. %s\n", d.step, fmt.Sprintf(format, args...))
}

func (d *demo) show(text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(d.out, "     %s\n", strings.TrimRight(line, "\r\n"))
	}
}

// authorDomain is the domain to make keys for.
func authorDomain(message []byte) (string, error) {
	fields, _, err := dkim.ParseFields(message)
	if err != nil {
		return "", err
	}
	for i := range fields.Len() {
		if strings.EqualFold(string(fields.Name(i)), "From") {
			list, err := mailaddr.ParseList(fields.Value(i), 100)
			if err != nil {
				return "", fmt.Errorf("the message's From field: %w", err)
			}
			return list.Mailboxes[0].Domain, nil
		}
	}
	return "", fmt.Errorf("the message has no From field, so there is no domain to sign for")
}

// keys are what the demo signs with: one of each algorithm.
var keys = []struct {
	selector  string
	algorithm dkim.Algorithm
	bits      int
}{
	{"demo-rsa", dkim.RSASHA256, 2048},
	{"demo-ed25519", dkim.Ed25519SHA256, 0},
}

// makeKeys makes the keys, the tables that name them and the DNS records.
func (d *demo) makeKeys(domain string) error {
	var table strings.Builder
	for _, k := range keys {
		key, err := dkim.Generate(k.algorithm, k.bits)
		if err != nil {
			return err
		}
		pem, err := key.PEM()
		if err != nil {
			return err
		}
		file := d.path(k.selector + ".pem")
		if err := os.WriteFile(file, pem, 0o600); err != nil {
			return err
		}
		fmt.Fprintf(&table, "demo %s:%s:%s\n", domain, k.selector, file)
		name := dkim.RecordName(k.selector, domain)
		d.dns.SetTXT(name, key.PublicRecord())
		d.say("made a key for %s and published its record at %s", k.algorithm, name)
		d.show(shorten(key.PublicRecord()))
	}
	if err := os.WriteFile(d.path("keytable"), []byte(table.String()), 0o600); err != nil {
		return err
	}
	return os.WriteFile(d.path("signingtable"), []byte("*@"+domain+" demo\n"), 0o600)
}

func (d *demo) path(name string) string { return filepath.Join(d.dir, name) }

// deliver runs the daemon, plays the MTA and gives the message as delivered.
func (d *demo) deliver(ctx context.Context, domain string, message []byte) ([]byte, error) {
	daemon, err := d.startDaemon(ctx)
	if err != nil {
		return nil, err
	}
	defer daemon.stop()
	d.say("started the daemon on %s", daemon.address)
	d.say("played the MTA: an authenticated user at %s sends a message of %d bytes", domain, len(message))
	signatures, err := playMTA(daemon.address, message)
	if err != nil {
		return nil, err
	}
	daemon.stop()
	d.say("the daemon logged")
	d.show(daemon.messageLines())
	d.say("the MTA was told to insert %d header fields", len(signatures))
	delivered := message
	for _, field := range signatures {
		delivered = append([]byte(field+"\r\n"), delivered...)
		d.show(field)
	}
	return delivered, nil
}

// judge asks go-msgauth for its verdict on every signature.
func (d *demo) judge(delivered []byte) error {
	d.say("asked go-msgauth to verify, with keys from the DNS server at %s over UDP", d.dns.Addr)
	verdicts, err := msgauth.VerifyWithOptions(bytes.NewReader(delivered), &msgauth.VerifyOptions{
		LookupTXT: func(name string) ([]string, error) { return dnstest.LookupTXT(d.dns.Addr, name) },
	})
	if err != nil {
		return fmt.Errorf("the verifier could not read the message: %w", err)
	}
	passed, others := 0, 0
	for i, v := range verdicts {
		if i >= len(keys) { // ours stand on top
			others++
			continue
		}
		if v.Err != nil {
			d.show(fmt.Sprintf("FAIL  d=%s: %v", v.Domain, v.Err))
			continue
		}
		passed++
		d.show(fmt.Sprintf("pass  d=%s, %d header fields signed, at %s", v.Domain, len(v.HeaderKeys), v.Time.UTC().Format(time.RFC3339)))
	}
	if others > 0 {
		d.show(fmt.Sprintf("(%d signatures that the message had before were not looked at)", others))
	}
	if passed < len(keys) {
		return fmt.Errorf("%d of %d signatures verified", passed, len(keys))
	}
	d.say("all %d signatures verified", passed)
	return nil
}

func shorten(record string) string {
	if len(record) > 100 {
		return record[:72] + "… (" + fmt.Sprint(len(record)) + " characters)"
	}
	return record
}
