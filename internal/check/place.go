package check

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns/authority"
)

// absent reports a record that is not there, and looks for it in the wrong places.
func (c *checking) absent(ctx context.Context) {
	c.report.decide(Absent)
	c.report.retryIn(max(c.end.negativeTTL(), c.zone.NegativeTTL()))
	missing := c.end.status() == authority.NXDomain
	status := "no such record"
	if missing {
		status = "NXDOMAIN"
	}
	if !c.elsewhere(ctx, status) {
		if missing {
			c.report.raise("D101", nil)
		} else {
			c.report.raise("D102", facts{"detail": c.whatElse(ctx)})
		}
	}
	c.moved()
	c.parked()
	c.waitHint()
}

// whatElse tells what stands at a name that has no TXT record.
func (c *checking) whatElse(ctx context.Context) string {
	if kinds := c.otherTypes(ctx, authority.A, authority.AAAA, authority.NS); kinds != nil {
		return ", but " + strings.Join(kinds, ", ")
	}
	return " at a name that exists"
}

// moved reports name servers that are others than when the domain was added (D111).
func (c *checking) moved() {
	if len(c.subject.Providers) == 0 || len(c.zone.NameServers) == 0 {
		return
	}
	for _, known := range c.subject.Providers {
		if slices.Contains(c.zone.NameServers, strings.ToLower(strings.TrimSuffix(known, "."))) {
			return
		}
	}
	c.report.raise("D111", facts{"other": list(c.zone.NameServers), "expected": list(c.subject.Providers)})
}

// waitHint says when receivers will ask again (D602).
func (c *checking) waitHint() {
	if c.report.retry > 0 {
		c.report.raise("D602", nil)
	}
}

// parking are name servers of companies that have a page of advertisements for every name. Who runs them: Sedo, Bodis, ParkingCrew,
// Above, ParkLogic, Afternic, Dan.
var parking = []string{"sedoparking.com", "bodis.com", "parkingcrew.net", "above.com", "parklogic.com", "afternic.com", "dan.com"}

// parked reports a domain whose name servers are all such ones.
func (c *checking) parked() {
	isParking := func(ns string) bool {
		return slices.ContainsFunc(parking, func(zone string) bool { return isBelow(ns, zone) })
	}
	own := func(ns string) bool { return !isParking(ns) }
	if servers := c.zone.NameServers; len(servers) > 0 && !slices.ContainsFunc(servers, own) {
		c.report.raise("D109", facts{"other": c.zone.Name, "detail": "the name servers are " + list(servers) + ", which park domains"})
	}
}

// place is where people put a record by mistake.
type place struct {
	code string
	name string
}

// places are those for this name. What the name itself is, or stands there twice, is left out.
func (c *checking) places() []place {
	selector, domain, zone := c.subject.Selector, c.subject.Domain, c.zone.Name
	all := []place{
		{"D201", c.name + "." + zone},
		{"D201", c.name + "." + domain},
		{"D201", dkim.RecordName(selector+"."+domain, domain)},
		{"D202", selector + "._domainkey._domainkey." + domain},
		{"D203", c.name[:len(c.name)-len(domain)] + "www." + domain},
		{"D204", selector + "." + domain},
		{"D204", selector + ".domainkey." + domain},
		{"D204", "_domainkey." + selector + "." + domain},
		{"D205", "_domainkey." + domain},
		{"D205", domain},
		{"D206", dkim.RecordName(selector, zone)},
		{"D209", selector + `._domainkey\ IN\ TXT.` + domain},
		{"D210", selector + ".-domainkey." + domain},
		{"D211", selector + `\ ._domainkey.` + domain},
		{"D211", selector + `._domainkey\ .` + domain},
	}
	var out []place
	for _, p := range all {
		same := func(q place) bool { return q.name == p.name }
		if p.name != c.name && zone != "" && len(p.name) <= 253 && !slices.ContainsFunc(out, same) {
			out = append(out, p)
		}
	}
	return out
}

// elsewhere looks for the record in those places and reports the first that has it. It is true if that explains all.
func (c *checking) elsewhere(ctx context.Context, status string) bool {
	places := c.places()
	wild := essence(c.own()) // what the name itself gives, a wildcard gives everywhere
	found := make([]bool, len(places))
	var waiting sync.WaitGroup
	for i, p := range places {
		waiting.Go(func() {
			a := c.source.Peek(ctx, p.name, authority.TXT)
			found[i] = c.looksWanted(a) && essence(a) != wild
		})
	}
	waiting.Wait()
	explained := false
	for i, p := range places {
		if found[i] {
			other := strings.ReplaceAll(p.name, `\ `, " ")
			c.report.raise(p.code, facts{"status": status, "other": other, "detail": status + ": but the record exists at " + other})
			explained = explained || p.code != "D211"
		}
	}
	return explained
}

// looksWanted tells whether an answer has the record that was to be published, be it damaged.
func (c *checking) looksWanted(a authority.Answer) bool {
	if c.subject.Target != "" && a.Alias() == strings.ToLower(c.subject.Target) {
		return true
	}
	for _, text := range a.Texts() {
		if c.ours != "" && (c.isOurs(text) || strings.Contains(text, c.ours[:min(len(c.ours), 60)])) {
			return true
		}
		if c.ours == "" && strings.HasPrefix(text, "v=DKIM1") {
			return true
		}
	}
	return false
}

// wildcard tells whether a name that nobody made has the same TXT records.
func (c *checking) wildcard(ctx context.Context) (name string, yes bool) {
	name = randomName("_domainkey." + c.subject.Domain)
	a := c.source.Peek(ctx, name, authority.TXT)
	return name, len(a.Records) > 0 && essence(a) == essence(c.own())
}

// own is what stands at the name itself: the answer of the first server that gives one.
func (c *checking) own() authority.Answer { return newView(c.chain.Hops[0]).answered[0] }

// randomName is a name that nobody made, below another.
func randomName(below string) string {
	var random [6]byte
	rand.Read(random[:])
	return "postseal-" + hex.EncodeToString(random[:]) + "." + below
}
