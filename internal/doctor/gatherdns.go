package doctor

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/dns/authority"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/mailaddr"
	"github.com/postseal/postseal/keytable"
)

// Bounds of what is asked of DNS.
const (
	maxDomains = 100
	maxAtOnce  = 8
	maxKeyTime = 2 * time.Minute // of one key
)

// ask looks up the domains of the tables, or the one that is wanted.
func (f *Facts) ask(ctx context.Context, s Sources) {
	wanted := tabledDomains(s, f.Managed)
	if s.Checker == nil {
		f.withoutDNS(s, wanted)
		return
	}
	f.resolver(ctx, s.Records)
	if f.Resolver.Err != "" {
		f.withoutDNS(s, wanted)
		f.Skipped = len(wanted) - len(f.Domains)
		return
	}
	f.Skipped = max(0, len(wanted)-maxDomains)
	wanted = wanted[:min(len(wanted), maxDomains)]
	f.Domains = make([]Domain, len(wanted))
	var group sync.WaitGroup
	slots := make(chan struct{}, maxAtOnce)
	for i, d := range wanted {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			f.Domains[i] = d.ask(ctx, s)
		})
	}
	group.Wait()
}

// withoutDNS keeps what the tables say of the one domain that is wanted.
func (f *Facts) withoutDNS(s Sources, wanted []tabled) {
	for _, d := range wanted {
		if s.Only != "" {
			f.Domains = append(f.Domains, Domain{Name: d.name, Rows: d.rows(s), Held: d.held != nil, Err: errNoDNS})
		}
	}
}

var errNoDNS = errors.New("DNS was not asked")

// resolver asks for the root's name servers: they exist, and are signed.
func (f *Facts) resolver(ctx context.Context, r Records) {
	a := r.Peek(ctx, ".", authority.NS)
	f.Resolver = &Resolver{Server: a.Server, Secure: a.Secure}
	if !a.Status.Answered() {
		f.Resolver.Err = a.Server + ": " + a.Detail
		if a.Rcode != "" {
			f.Resolver.Err = a.Server + ": " + a.Rcode
		}
	}
}

// tabled is a domain with its keys in the key table.
type tabled struct {
	name string
	refs []keytable.KeyRef
	held *Managing // the row of the store; nil if there is none
}

// tabledDomains are those of the key table and of the store by name, or the one that is wanted.
func tabledDomains(s Sources, m *Managed) []tabled {
	byName := map[string]*tabled{}
	if s.Only != "" {
		byName[s.Only] = &tabled{name: s.Only}
	}
	if s.Tables != nil {
		for ref := range s.Tables.All() {
			if ref.Domain == "%" || s.Only != "" && ref.Domain != s.Only {
				continue
			}
			if byName[ref.Domain] == nil {
				byName[ref.Domain] = &tabled{name: ref.Domain}
			}
			byName[ref.Domain].refs = append(byName[ref.Domain].refs, ref)
		}
	}
	if m != nil && s.Only == "" {
		for _, row := range m.Rows {
			if d := &row.Domain; d.Name == d.SigningDomain() && d.Enabled && !d.Requested && byName[d.Name] == nil {
				byName[d.Name] = &tabled{name: d.Name}
			}
		}
	}
	var all []tabled
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		byName[name].held = m.of(name)
		all = append(all, *byName[name])
	}
	return all
}

// ask checks each key of the domain and of the lines that are for it, DMARC and SPF.
func (t tabled) ask(ctx context.Context, s Sources) Domain {
	d := Domain{Name: t.name, Rows: t.rows(s), Held: t.held != nil}
	for _, ref := range t.allRefs(s) {
		ctx, cancel := context.WithTimeout(ctx, maxKeyTime)
		subject := check.Subject{Domain: ref.Domain, Selector: ref.Selector, SubDomains: s.Config.Sign.SubDomains}
		if key, err := ref.Private(); err == nil { // else told as a row that cannot work
			subject.Public, subject.Signer = key.Public(), key
		}
		d.Keys = append(d.Keys, Key{Selector: ref.Selector, Result: s.Checker.Check(ctx, subject)})
		cancel()
	}
	if s.Only != "" {
		d.Keys = append(d.Keys, t.heldKeys(ctx, s.Checker)...)
	}
	d.DMARC, d.Err = askDMARC(ctx, s.Records, t.name)
	var err error
	d.SPF, err = versioned(ctx, s.Records, t.name, "v=spf1")
	d.Err = errors.Join(d.Err, err)
	return d
}

// heldKeys checks the keys of the store. Of all domains the service does that, and the store has what it found.
func (t tabled) heldKeys(ctx context.Context, c Checker) (keys []Key) {
	if t.held == nil {
		return nil
	}
	for i := range t.held.Keys {
		k := &t.held.Keys[i]
		subject, err := t.held.subject(k)
		if !awaited(k) || err != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, maxKeyTime)
		keys = append(keys, Key{Selector: k.Selector, Result: c.Check(ctx, subject)})
		cancel()
	}
	return keys
}

// heldRow is what the store signs with for the domain.
func (t tabled) heldRow() (r Row, signs bool) {
	r.Where = "the store"
	if t.held == nil || !t.held.Domain.Enabled {
		return r, false
	}
	for _, k := range t.held.Keys {
		if k.State == domains.Active && !k.Compromised {
			r.Keys, r.Signs = append(r.Keys, k.Domain+"/"+k.Selector), append(r.Signs, k.Domain)
		}
	}
	return r, len(r.Keys) > 0
}

// matches are the lines for the domain's postmaster.
func (t tabled) matches(s Sources) []keytable.Match {
	if s.Tables == nil {
		return nil
	}
	sender, err := mailaddr.Parse("postmaster@" + t.name)
	if err != nil {
		return nil
	}
	return s.Tables.Find(keytable.Query{Sender: sender, Multiple: s.Config.Sign.MultipleSignatures})
}

func (t tabled) rows(s Sources) (rows []Row) {
	for _, m := range t.matches(s) {
		r := Row{Where: m.Row.Position(), Out: m.OutOfService}
		for _, k := range m.Keys {
			r.Keys, r.Signs = append(r.Keys, k.Domain+"/"+k.Selector), append(r.Signs, k.Domain)
		}
		rows = append(rows, r)
	}
	if r, signs := t.heldRow(); signs {
		rows = append(rows, r)
	}
	return rows
}

// allRefs are the keys of the domain and those of its lines, each once.
func (t tabled) allRefs(s Sources) []keytable.KeyRef {
	all := slices.Clone(t.refs)
	for _, m := range t.matches(s) {
		all = append(all, m.Keys...)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(r keytable.KeyRef) bool {
		name := r.Selector + "." + r.Domain
		again := seen[name]
		seen[name] = true
		return again
	})
}
