package domains_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// operator is a world with a key zone that is written as postseal says, and customers
// who publish what its records ask for. The real engine asks a name server for both.
type operator struct {
	*world
	zone *zone
}

// newOperator runs the key zone keys.test, and the zones of customers.
func newOperator(t *testing.T, customers ...string) *operator {
	w := newWorld(t)
	w.policy.KeyZone.Name = "keys.test"
	o := &operator{world: w}
	o.reconfigured(func(*domains.KeyZone) {}, customers...)
	return o
}

// reconfigured starts anew with another key zone; the name server keeps its records.
func (o *operator) reconfigured(change func(*domains.KeyZone), customers ...string) {
	o.Helper()
	change(&o.policy.KeyZone)
	var kept []wire.RR
	if o.zone != nil {
		kept = o.zone.records
	}
	o.clock.advance(time.Minute) // the lease of the keeper before runs out
	o.zone = o.realDNS()
	o.zone.records = append(kept, o.zone.records...)
	for _, apex := range append(customers, "keys.test", "keys.new") {
		o.zone.add(o.T, apex+". 3600 IN SOA ns1."+apex+". host."+apex+". 1 3600 600 86400 300", apex+". 3600 IN NS ns1."+apex+".")
	}
}

// write makes the key zone what it has to be.
func (o *operator) write() {
	o.Helper()
	all, err := o.service.KeyZone(o.ctx)
	o.must(err)
	o.zone.drop(func(rr wire.RR) bool {
		return rr.Header().Rrtype == wire.TypeTXT && !strings.Contains(rr.Header().Name, "._domainkey.")
	})
	for _, r := range all {
		o.zone.add(o.T, fmt.Sprintf(`%s. %d IN TXT "%s"`, r.Name, r.TTL, strings.Join(dkim.TXTStrings(r.Value), `" "`)))
	}
}

// live lets the keeper work for a time, and the key zone follow.
func (o *operator) live(d time.Duration) {
	o.Helper()
	for end := o.clock.Now().Add(d); ; {
		o.write()
		next, err := o.keeper.Turn(o.ctx)
		o.must(err)
		o.write()
		if now := o.clock.Now(); next.IsZero() || next.After(end) {
			o.clock.advance(end.Sub(now))
			return
		} else {
			o.clock.advance(next.Sub(now))
		}
	}
}

// sheet is what the customer is told.
func (o *operator) sheet(name string) records.Sheet {
	o.Helper()
	d, err := o.service.Show(o.ctx, name)
	o.must(err)
	return records.Make(d, records.Zone{Name: d.Domain.SigningDomain()}, o.service.KeepUntil)
}

// follow publishes what the customer is told to, and gives the hosts.
func (o *operator) follow(name string) (hosts []string) {
	o.Helper()
	s := o.sheet(name)
	for _, r := range s.With(records.Publish) {
		host := r.Host.Dot
		o.zone.drop(func(rr wire.RR) bool { return rr.Header().Name == host })
		value := r.Value
		if r.Type == "TXT" {
			value = r.Quoted()
		}
		o.zone.add(o.T, fmt.Sprintf("%s %d IN %s %s", host, r.TTL, r.Type, value))
		hosts = append(hosts, r.Host.InDomain)
	}
	return hosts
}

// served is the text at a name of the key zone; empty: there is none.
func (o *operator) served(name string) string {
	o.Helper()
	all, err := o.service.KeyZone(o.ctx)
	o.must(err)
	for _, r := range all {
		if r.Name == name {
			return r.Value
		}
	}
	return ""
}

// inCNAME makes a request for slots.
func inCNAME(slots int) func(*domains.AddRequest) {
	return func(r *domains.AddRequest) { r.Publish, r.Slots = domains.PublishCNAME, slots }
}

// signing makes a domain that signs with a slot.
func (o *operator) signing(name string, change ...func(*domains.AddRequest)) domains.Key {
	o.Helper()
	k := o.add(name, change...)
	o.follow(name)
	o.live(2 * time.Hour)
	if k = o.key(k.ID); k.State != domains.Active {
		o.Fatalf("%s is %s: %+v", k.Selector, k.State, k.Health)
	}
	return k
}
