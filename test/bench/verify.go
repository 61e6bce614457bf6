package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/dkim/canon"
	"github.com/postseal/postseal/signer"
	"github.com/postseal/postseal/verifier"
)

// oneRecord is a DNS with the record of one key, at hand like a cached one.
type oneRecord []string

func (r oneRecord) LookupTXT(context.Context, string) (verifier.Answer, error) {
	return verifier.Answer{TXT: r}, nil
}

// verification compares verifying a message with the bare public-key operation
// and hash, and a large one with the signer's canonicalizer.
func (r *report) verification() error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // another core that looks for work would count too
	key, err := dkim.Generate(dkim.RSASHA256, 2048)
	if err != nil {
		return err
	}
	v := verifier.New(oneRecord{key.PublicRecord()}, verifier.Options{})
	small, err := signedBy(key, message(4<<10).Raw)
	if err != nil {
		return err
	}
	bare, err := bareOperation(key, small)
	if err != nil {
		return err
	}
	const times = 300
	var ratios []float64
	for range rounds {
		plain := cpuTimed(func() { repeat(times, bare) })
		whole := cpuTimed(func() { repeat(times, func() { verifyOnce(v, small) }) })
		ratios = append(ratios, whole/plain)
	}
	got := median(ratios)
	r.line("verifying a 4 KB message with a cached key, of the bare RSA-2048 operation and hash", "≤ 1.60", fmt.Sprintf("%.2f", got), got <= 1.6)

	large, err := signedBy(key, append(message(0).Raw, textBody()[:1<<20]...))
	if err != nil {
		return err
	}
	ratios = nil
	for range rounds {
		signing := timed(func() { repeat(10, func() { hashBody(canon.Relaxed, large.body) }) })
		whole := timed(func() { repeat(10, func() { verifyOnce(v, large) }) })
		ratios = append(ratios, signing/whole)
	}
	got = median(ratios)
	r.line("verifying 1 MB of relaxed text, speed against the signer's canonicalizer", "≥ 0.90", fmt.Sprintf("%.2f", got), got >= 0.9)
	return nil
}

// cpuTimed gives seconds of CPU, of all threads of this process.
func cpuTimed(f func()) float64 {
	var before, after unix.Timespec
	unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &before)
	f()
	unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &after)
	return float64(after.Nano()-before.Nano()) / 1e9
}

func repeat(n int, f func()) {
	for range n {
		f()
	}
}

// signedMessage is a message with one signature.
type signedMessage struct {
	fields *dkim.Fields
	body   []byte
}

func signedBy(key *dkim.PrivateKey, raw []byte) (*signedMessage, error) {
	fields, at, err := dkim.ParseFields(raw)
	if err != nil {
		return nil, err
	}
	m := signer.Begin(fields, []signer.Key{{Domain: "example.com", Selector: "s", Private: key}}, signer.Options{
		Canonicalization: canon.Pair{Header: canon.Relaxed, Body: canon.Relaxed},
	})
	defer m.Release()
	m.Write(raw[at:])
	made := m.Sign(time.Now())[0]
	if made.Err != nil {
		return nil, made.Err
	}
	signedRaw := append([]byte("DKIM-Signature: "+made.Value+"\r\n"), raw...)
	fields, at, err = dkim.ParseFields(signedRaw)
	return &signedMessage{fields, signedRaw[at:]}, err
}

func verifyOnce(v *verifier.Verifier, m *signedMessage) {
	c := v.Begin(context.Background(), m.fields)
	defer c.Release()
	for chunks := bytes.NewBuffer(m.body); chunks.Len() > 0; {
		c.Write(chunks.Next(chunk))
	}
	if r := c.Finish()[0]; r.Status != dkim.Pass {
		panic(fmt.Sprint("bench: the message does not verify: ", r.Status, r.Err))
	}
}

// bareOperation is what cannot be left out: hashing the octets of body and
// header, and the public-key operation.
func bareOperation(key *dkim.PrivateKey, m *signedMessage) (func(), error) {
	record, err := dkim.ParseKeyRecord(key.PublicRecord())
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(nil)
	signature, err := key.Sign(digest[:])
	if err != nil {
		return nil, err
	}
	header := m.fields.Bytes()
	return func() {
		sha256.Sum256(m.body)
		sha256.Sum256(m.body[:min(header, len(m.body))])
		if err := record.Public.Verify(digest[:], signature); err != nil {
			panic(err)
		}
	}, nil
}
