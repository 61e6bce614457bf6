package check

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns/authority"
)

// checking is one check on its way.
type checking struct {
	engine  *Engine
	source  Source
	via     Via
	subject Subject
	clock   func() time.Time
	now     time.Time
	name    string // SELECTOR._domainkey.DOMAIN
	ours    string // p= as it should be; empty if any key will do

	zone   authority.Zone
	chain  authority.Chain
	end    view // what stands at the end of the chain
	record *dkim.KeyRecord
	report report
	detour bool // the key is there, but not the way that it should be
	seen   []Alias
	secure bool // a validating resolver vouches for it
}

// run goes on as long as there is something to look at.
func (c *checking) run(ctx context.Context) {
	if !c.look(ctx) {
		return
	}
	if c.subject.Gone {
		c.dangling(ctx)
		return
	}
	if c.brief() {
		c.stands(ctx)
		return
	}
	c.aside(ctx)
	right := c.stands(ctx)
	c.slots(ctx)
	if right {
		c.afterwards(ctx)
	}
}

// stands judges the record itself: what is wrong with it is said before what is wrong with others.
func (c *checking) stands(ctx context.Context) bool {
	if !c.aliases(ctx) {
		return false
	}
	if c.end.status() != authority.Found {
		c.absent(ctx)
		return false
	}
	return c.texts(ctx)
}

// brief tells that only the record is wanted, every hour say, and not all that can be found out (ruling 36).
func (c *checking) brief() bool { return c.subject.Via == Resolver }

func (c *checking) wantedType() authority.Type {
	if c.subject.Target != "" {
		return authority.CNAME
	}
	return authority.TXT
}

// look asks for the zone and for the record, and reports servers that fail or disagree about the name itself. It is false if there is nothing more to say.
func (c *checking) look(ctx context.Context) bool {
	zone, err := c.source.Locate(ctx, c.subject.Domain)
	if err != nil {
		c.noZone(err)
		return false
	}
	c.zone = zone
	if zone.Name != "" {
		c.report.common["zone"] = zone.Name
	}
	c.report.common["host"] = relative(c.name, c.report.common["zone"])
	c.report.common["servers"] = serverNames(zone.Hop.Answers)
	c.chain = c.source.Follow(ctx, c.name)
	return c.agreed(ctx, 0, c.chain.Hops[0])
}

// onward looks at the hops behind the first one. It is false if there is nothing more to say.
func (c *checking) onward(ctx context.Context) bool {
	for i, hop := range c.chain.Hops[1:] {
		if !c.agreed(ctx, i+1, hop) {
			return false
		}
	}
	return true
}

// relative is how a panel wants a name: without its zone.
func relative(name, zone string) string {
	if name == zone {
		return name
	}
	return strings.TrimSuffix(name, "."+zone)
}

// vacancy reports a key record that stands there (D105, ruling 33).
func (c *checking) vacancy() {
	for _, text := range c.end.texts() {
		if record, err := dkim.ParseKeyRecord(text); err == nil && (record.Public != nil || record.Revoked) {
			c.report.raise("D105", facts{"found": quote(text)})
			c.report.decide(Mismatch)
		}
	}
}

// result puts everything together.
func (c *checking) result() Result {
	r := Result{
		At: c.now, Name: c.name, Source: c.via, Zone: c.zone.Name, NameServers: c.zone.NameServers,
		TTL: c.end.ttl(), NegativeTTL: c.end.negativeTTL(), Records: c.end.texts(),
	}
	if r.Records == nil {
		r.Records = []string{}
	}
	if c.record != nil && c.record.Public != nil {
		r.Fingerprint, r.Bits = Fingerprint(c.record.Public.Key()), c.record.Public.Bits()
	}
	r.Secure = c.secure || c.via == Resolver && len(c.end.answered) > 0 && c.end.answered[0].Secure
	if len(c.report.raised) > 0 && c.report.retry == 0 && c.via != Pasted { // a warning wants something to be changed, too
		c.report.retryIn(cmp.Or(c.end.ttl(), c.end.negativeTTL(), retryTemporary))
	}
	if c.subject.Domain != "" && c.subject.Selector != "" {
		r.Wanted = c.wanted()
	}
	if c.report.retry > 0 {
		r.RetryAfter = c.now.Add(c.report.retry)
		c.report.common["retry"] = r.Retry()
	}
	c.report.decide(OK)
	r.Verdict = c.report.verdict
	r.Passed = !c.report.failed() && !c.detour && (r.Verdict == OK || r.Verdict == Testing)
	r.Detour, r.Aliases = c.detour, c.seen
	r.Findings = c.report.findings(r.RetryAfter)
	return r
}

// The TTL to ask for.
const (
	wantedTTL      = time.Hour
	wantedAliasTTL = 24 * time.Hour
)

// wanted is what belongs into the zone.
func (c *checking) wanted() string {
	switch {
	case c.subject.Target != "":
		return fmt.Sprintf("%s. %d IN CNAME %s.\n", c.name, int(wantedAliasTTL.Seconds()), c.subject.Target)
	case c.subject.Public != nil:
		return dkim.OneLine(c.subject.Selector, c.subject.Domain, recordText(c.subject.Public), wantedTTL)
	}
	return ""
}
