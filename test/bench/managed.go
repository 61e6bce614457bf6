package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/daemon"
	life "github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/mailaddr"
	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/keytable"
	"github.com/postseal/postseal/milter/miltertest"
	"github.com/postseal/postseal/test/internal/hoster"
)

const managedDomains = 10_000

// managed measures a daemon whose store has 10,000 domains with a distinct RSA-2048
// key each. Nobody answers its questions to DNS: all keys sign unconfirmed.
func (r *report) managed(binary string) error {
	dir, err := os.MkdirTemp("", "postseal-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p := &process{dir: dir, extra: fmt.Sprintf("[store]\nurl = \"sqlite:%s\"\nidentity = %q\n[dns]\nnameservers = [\"127.0.0.1:9\"]\n[check]\nvia = \"resolver\"\n",
		filepath.Join(dir, "store", "postseal.db"), filepath.Join(dir, "identity"))}
	for _, name := range []string{"keytable", "signingtable"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "store"), 0o700); err != nil {
		return err
	}
	store, err := fill(p)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := r.managedStart(binary, p); err != nil {
		return err
	}
	defer p.stop()
	mta, err := p.dial()
	if err != nil {
		return err
	}
	if err := r.managedChange(store.Service, mta); err != nil {
		return err
	}
	return r.managedLookup()
}

// fill makes the domains.
func fill(p *process) (*daemon.Managed, error) {
	site, err := hoster.Make(filepath.Join(p.dir, "keys"), managedDomains)
	if err != nil {
		return nil, err
	}
	path, err := p.configure()
	if err != nil {
		return nil, err
	}
	cfg, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	store, err := daemon.OpenManaged(context.Background(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	for i := range managedDomains {
		pem, err := os.ReadFile(site.KeyFile(i))
		if err != nil {
			return nil, err
		}
		_, err = store.Service.Import(context.Background(), "bench", life.ImportRequest{
			AddRequest: life.AddRequest{Name: site.Domain(i), Selector: "s1", Activation: life.ActivateImmediate, Offline: true, Yes: true}, PEM: pem,
		})
		if err != nil {
			return nil, err
		}
	}
	return store, nil
}

func (r *report) managedStart(binary string, p *process) error {
	var seconds []float64
	for i := range 3 {
		if i > 0 {
			p.stop()
		}
		began := time.Now()
		if err := p.start(binary); err != nil {
			return err
		}
		mta, err := p.dial()
		if err == nil {
			err = signed(mta.Send(from(fmt.Sprintf("customer%d.example", managedDomains/2))))
		}
		if err != nil {
			p.stop()
			return err
		}
		seconds = append(seconds, time.Since(began).Seconds())
		mta.Close()
	}
	got := median(seconds)
	r.line("10,000 managed domains: from start to the first signed message", "< 3 s", fmt.Sprintf("%.2f s", got), got < 3)
	return nil
}

// managedChange measures how long it is from a verb to a message that leaves as the
// verb says.
func (r *report) managedChange(s *life.Service, mta *miltertest.MTA) error {
	var seconds []float64
	for i := range 5 {
		domain := fmt.Sprintf("customer%d.example", 100+i)
		began := time.Now()
		if _, err := s.Disable(context.Background(), "bench", domain); err != nil {
			return err
		}
		for {
			result, err := mta.Send(from(domain))
			if err != nil {
				return err
			}
			if len(result.Modifications) == 0 {
				break
			}
			if time.Since(began) > time.Minute {
				return errors.New("the change is not in use after a minute")
			}
		}
		seconds = append(seconds, time.Since(began).Seconds())
	}
	got := median(seconds)
	r.line("10,000 managed domains: from a change to the first message that follows it", "< 1 s", fmt.Sprintf("%.2f s", got), got < 1)
	return nil
}

// managedLookup compares the decision about a sender among 10,000 managed domains
// with that among ten.
func (r *report) managedLookup() error {
	const lookups = 100_000
	tables, err := keytable.Load(keytable.Options{})
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(7, 8))
	var times [2][]float64
	sizes := []int{10, managedDomains}
	var snapshots [2]*policy.Snapshot
	var facts [2][]*policy.Facts
	for i, size := range sizes {
		snapshots[i] = &policy.Snapshot{Tables: tables, SenderHeaders: []string{"From"}, Managed: manyRows(size)}
		for range 1000 {
			fields := new(dkim.Fields)
			fields.Add([]byte("From"), fmt.Appendf(nil, " ada@customer%d.example", rng.IntN(size)))
			facts[i] = append(facts[i], &policy.Facts{Mode: policy.SignOnly, AuthType: "PLAIN", User: "ada", Fields: fields})
		}
	}
	for range rounds {
		for i, s := range snapshots {
			times[i] = append(times[i], timed(func() {
				for n := range lookups {
					if !s.Decide(facts[i][n%1000], nil).Sign {
						panic("not signed")
					}
				}
			})/lookups*1e9)
		}
	}
	ten, all := median(times[0]), median(times[1])
	r.line("10,000 managed domains: decision about a sender, beyond that among ten", "≤ 1 µs", fmt.Sprintf("%.2f µs (%.0f and %.0f ns)", (all-ten)/1e3, all, ten), all-ten <= 1000)
	return nil
}

func manyRows(n int) *policy.Managed {
	m := &policy.Managed{Rows: map[string]*policy.ManagedRow{}}
	for i := range n {
		name := fmt.Sprintf("customer%d.example", i)
		domain, _ := mailaddr.ALabels(name)
		m.Rows[domain] = &policy.ManagedRow{Name: name, Keys: []policy.Key{{KeyRef: keytable.KeyRef{Name: name, Domain: domain, Selector: "s1"}}}}
	}
	return m
}
