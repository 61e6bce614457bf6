package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
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

// noZone reports why the domain's servers are not known.
func (c *checking) noZone(err error) {
	var gone *authority.NoDomainError
	var none *authority.NoServersError
	switch {
	case errors.As(err, &gone):
		c.report.raise("D109", facts{"other": gone.Domain, "detail": "NXDOMAIN: " + gone.Domain + " is not registered, or is switched off"})
		c.report.decide(Absent)
	case errors.As(err, &none):
		c.report.raise("D104", facts{"detail": printable(err.Error()), "failed": list(none.Servers)})
		c.report.decide(Temporary)
	default:
		c.report.raise("D103", facts{"detail": printable(err.Error()), "failed": "the resolver, or the domain"})
		c.report.decide(Temporary)
	}
	c.report.retryIn(retryTemporary)
}

// When to try again if nothing says how long an answer is kept.
const retryTemporary = time.Minute

// agreed reports what a hop's servers do not agree on. It is false if they say nothing that could be judged.
func (c *checking) agreed(ctx context.Context, i int, hop authority.Hop) bool {
	v := newView(hop)
	c.end = v
	if len(v.answered) == 0 {
		c.unanswered(ctx, i, v)
		return false
	}
	if i == 0 {
		c.report.common["servers"] = serverNames(v.answered)
	}
	if len(v.failed) > 0 {
		c.report.raiseAs(v.failureCode(), Warning, facts{"servers": serverNames(hop.Answers), "detail": describeAll(v.failed), "failed": serverNames(v.failed)})
	}
	if v.same() {
		return true
	}
	c.disagree(v)
	return false
}

// unanswered reports a hop of which nothing is known.
func (c *checking) unanswered(ctx context.Context, i int, v view) {
	c.report.decide(Temporary)
	c.report.retryIn(retryTemporary)
	detail := describeAll(v.failed)
	var gone *authority.NoDomainError
	switch {
	case i > 0 && errors.As(v.hop.Err, &gone):
		c.report.verdict = Absent
		c.report.raise("D506", facts{"alias": printable(v.hop.Name), "detail": printable(v.hop.Name) + ": the domain " + gone.Domain + " does not exist"})
		return
	case v.hop.Err != nil:
		detail = printable(v.hop.Err.Error())
	}
	asked := facts{"name": printable(v.hop.Name), "servers": serverNames(v.hop.Answers), "detail": detail, "failed": serverNames(v.failed)}
	if v.hop.Err != nil {
		asked["failed"], asked["servers"] = list(v.hop.NameServers), list(v.hop.NameServers)
	}
	c.report.raise(v.failureCode(), asked)
	if i > 0 {
		c.report.raiseAs("D506", Unsettled, facts{"alias": printable(v.hop.Name), "detail": printable(v.hop.Name) + ": " + detail})
	}
	if c.via == Resolver {
		c.bogus(ctx, v.hop.Name, c.source)
	}
}

// disagree reports servers that say different things. If the key is right at all of them it is a warning: some give it another form.
func (c *checking) disagree(v view) {
	severity := Error
	if c.ours != "" && !slices.ContainsFunc(v.answered, func(a authority.Answer) bool { return !c.hasOurs(a) }) {
		severity = Warning
	}
	var serials []string
	for _, a := range c.zone.Hop.Answers {
		if a.SOA != nil {
			serials = append(serials, fmt.Sprintf("%s %d", a.Server, a.SOA.Serial))
		}
	}
	c.report.raiseAs("D106", severity, facts{"detail": describeAll(v.answered), "serials": list(serials)})
	c.report.decide(Inconsistent)
	if c.zone.Start != nil {
		c.report.retryIn(min(c.zone.Start.Refresh, time.Hour))
	}
}

// hasOurs tells whether an answer is one record with our key.
func (c *checking) hasOurs(a authority.Answer) bool {
	texts := a.Texts()
	return len(texts) == 1 && c.isOurs(texts[0])
}

func (c *checking) isOurs(text string) bool {
	record, err := dkim.ParseKeyRecord(text)
	return err == nil && record.Public != nil && c.subject.Public != nil && record.Public.Equal(c.subject.Public)
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

// network is the part of an address that one place shares: /24, or /48 for IPv6.
func network(hostPort string) string {
	at, err := netip.ParseAddrPort(hostPort)
	if err != nil {
		return hostPort
	}
	bits := 24
	if at.Addr().Is6() {
		bits = 48
	}
	prefix, err := at.Addr().Prefix(bits)
	if err != nil {
		return hostPort
	}
	return prefix.String()
}
