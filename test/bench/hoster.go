package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/postseal/postseal/internal/mailaddr"
	"github.com/postseal/postseal/keytable"
	"github.com/postseal/postseal/milter/miltertest"
	"github.com/postseal/postseal/test/internal/hoster"
)

const domains = 100_000

// hoster measures a daemon with 100,000 domains and a distinct RSA-2048 key file for
// each. The last key is bad: the report on it tells when all keys were read.
func (r *report) hoster(binary string) error {
	dir, err := os.MkdirTemp("", "postseal-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	site, err := hoster.Make(dir, domains)
	if err != nil {
		return err
	}
	if err := os.WriteFile(site.KeyFile(domains-1), nil, 0o600); err != nil {
		return err
	}
	p, err := r.hosterStart(binary, site)
	if err != nil {
		return err
	}
	defer p.stop()
	mta, err := p.dial()
	if err != nil {
		return err
	}
	for _, measure := range []func(*process, *miltertest.MTA, *hoster.Site) error{r.hosterMemory, r.hosterReload} {
		if err := measure(p, mta, site); err != nil {
			return err
		}
	}
	return r.hosterLookup(site)
}

// hosterStart measures how long it is from the start of the program to the answer to
// a message, whose key nobody has asked for before.
func (r *report) hosterStart(binary string, site *hoster.Site) (*process, error) {
	const starts = 3
	p := &process{dir: site.Dir}
	var seconds []float64
	for i := range starts {
		if i > 0 {
			p.stop()
		}
		began := time.Now()
		if err := p.start(binary); err != nil {
			return nil, err
		}
		mta, err := p.dial()
		if err == nil {
			err = signed(mta.Send(from(site.Domain(domains / 2))))
		}
		if err != nil {
			p.stop()
			return nil, err
		}
		seconds = append(seconds, time.Since(began).Seconds())
		mta.Close()
	}
	got := median(seconds)
	r.line("100,000 domains: from start to the first signed message", "≤ 1.5 s", fmt.Sprintf("%.2f s", got), got <= 1.5)
	return p, nil
}

// hosterMemory measures what is resident when all keys were read and when messages
// of 5,000 domains, more than keys are kept in memory, have passed.
func (r *report) hosterMemory(p *process, mta *miltertest.MTA, site *hoster.Site) error {
	last := fmt.Sprintf("%s:%d: ", site.KeyTable(), domains)
	if err := p.awaitLog(last); err != nil {
		return err
	}
	read, err := p.memory("VmRSS")
	if err != nil {
		return err
	}
	for i := range 5000 {
		if err := signed(mta.Send(from(site.Domain(i * 19)))); err != nil {
			return err
		}
	}
	used, err := p.memory("VmRSS")
	if err != nil {
		return err
	}
	r.line("100,000 domains: resident memory when all keys were read", "≤ 150 MB", fmt.Sprintf("%.0f MB", read), read <= 150)
	r.line("100,000 domains: resident memory after messages of 5,000 of them", "≤ 150 MB", fmt.Sprintf("%.0f MB", used), used <= 150)
	return nil
}

// hosterReload measures how long it is from SIGHUP to a message that is signed as a
// changed row says.
func (r *report) hosterReload(p *process, mta *miltertest.MTA, site *hoster.Site) error {
	var seconds []float64
	for i := range 5 {
		domain := 1000 + i
		if err := renameSelector(site, domain, "changed"); err != nil {
			return err
		}
		began := time.Now()
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			return err
		}
		if err := awaitSelector(mta, site.Domain(domain), "changed"); err != nil {
			return err
		}
		seconds = append(seconds, time.Since(began).Seconds())
	}
	got := median(seconds)
	r.line("100,000 domains: reload of one changed row, to the first message signed by it", "< 1 s", fmt.Sprintf("%.2f s", got), got < 1)
	return nil
}

func renameSelector(site *hoster.Site, domain int, selector string) error {
	text, err := os.ReadFile(site.KeyTable())
	if err != nil {
		return err
	}
	row := site.Domain(domain) + ":" + hoster.Selector + ":"
	return os.WriteFile(site.KeyTable(), bytes.Replace(text, []byte(row), []byte(site.Domain(domain)+":"+selector+":"), 1), 0o600)
}

// awaitSelector sends messages until one is signed with the selector.
func awaitSelector(mta *miltertest.MTA, domain, selector string) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		result, err := mta.Send(from(domain))
		if err := signed(result, err); err != nil {
			return err
		}
		if strings.Contains(result.Modifications[0].Value, "s="+selector+";") {
			return nil
		}
	}
	return errors.New("the changed row is not in use after a minute")
}

// hosterLookup compares finding the line of a sender among 100,000 with finding it
// among ten: what a larger table costs is misses of the processor's cache.
func (r *report) hosterLookup(site *hoster.Site) error {
	const lookups = 200_000
	many, err := keytable.Load(keytable.Options{KeyTable: site.KeyTable(), SigningTable: "refile:" + site.SigningTable()})
	if err != nil {
		return err
	}
	few, err := firstTen(site)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(5, 6))
	var queries [2][]keytable.Query // of the ten, and of any
	for range 1000 {
		for i, domain := range []int{rng.IntN(10), rng.IntN(domains)} {
			queries[i] = append(queries[i], keytable.Query{Sender: mailaddr.Address{Local: "ada", Domain: site.Domain(domain)}})
		}
	}
	var times [2][]float64
	for range rounds {
		for i, tables := range []*keytable.Tables{few, many} {
			times[i] = append(times[i], timed(func() {
				for n := range lookups {
					tables.Find(queries[i][n%len(queries[i])])
				}
			})/lookups*1e9)
		}
	}
	ten, all := median(times[0]), median(times[1])
	r.line("100,000 domains: look-up of a sender, beyond that among ten", "≤ 1 µs", fmt.Sprintf("%.2f µs (%.0f and %.0f ns)", (all-ten)/1e3, all, ten), all-ten <= 1000)
	return nil
}

// firstTen are the tables of the first ten domains.
func firstTen(site *hoster.Site) (*keytable.Tables, error) {
	text, err := os.ReadFile(site.SigningTable())
	if err != nil {
		return nil, err
	}
	path := filepath.Join(site.Dir, "first-ten")
	if err := os.WriteFile(path, bytes.Join(bytes.SplitAfterN(text, []byte("\n"), 11)[:10], nil), 0o600); err != nil {
		return nil, err
	}
	return keytable.Load(keytable.Options{KeyTable: site.KeyTable(), SigningTable: "refile:" + path})
}

// awaitLog waits until the log has some words.
func (p *process) awaitLog(words string) error {
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(p.dir, "log"))
		if err != nil {
			return err
		}
		if bytes.Contains(text, []byte(words)) {
			return nil
		}
	}
	return fmt.Errorf("no %q in the log of the daemon after five minutes", words)
}

// from is a small message of a domain.
func from(domain string) miltertest.Message {
	sender := "ada@" + domain
	return miltertest.Message{
		From: "<" + sender + ">", To: []string{"<b@example.net>"},
		Raw: []byte("From: " + sender + "\r\nTo: b@example.net\r\nSubject: hello\r\nDate: Sat, 21 Nov 2026 21:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\nHello\r\n"),
	}
}
