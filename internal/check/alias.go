package check

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns/authority"
)

// aliases judges the CNAME records. It is false if the record at their end does not matter any more.
func (c *checking) aliases(ctx context.Context) bool {
	if c.chain.Loop {
		var names []string
		for _, hop := range c.chain.Hops {
			names = append(names, printable(hop.Name))
		}
		last := c.chain.Last()
		c.report.raise("D507", facts{"detail": strings.Join(append(names, printable(last.Alias())), " → ")})
		c.report.decide(Absent)
		return false
	}
	alias := c.chain.Hops[0].Alias()
	c.saw(c.subject.Selector, c.chain.Hops[0])
	if alias != "" {
		c.report.common["alias"] = printable(alias)
		c.besides(ctx, alias)
	}
	target := strings.ToLower(c.subject.Target)
	switch {
	case target != "" && alias == "":
		return c.noAlias(ctx)
	case target != "" && c.chain.Last().Name != target && c.ended():
		c.wrongTarget(alias, target)
		if c.detour = c.report.has("D509") && c.stillServed(); !c.detour {
			return false
		}
	}
	return c.onward(ctx) && c.leadsSomewhere()
}

// saw notes where a slot's CNAME points.
func (c *checking) saw(selector string, hop authority.Hop) {
	if c.subject.Target == "" {
		return
	}
	seen := Alias{Selector: selector, Target: hop.Alias()}
	for _, a := range hop.Answers {
		for _, r := range a.Of(authority.CNAME) {
			seen.TTL = max(seen.TTL, r.TTL)
		}
	}
	c.seen = append(c.seen, seen)
}

// stillServed tells whether a chain that ends at a target of before gives our key: then signatures go on to verify.
func (c *checking) stillServed() bool {
	last := newView(c.chain.Last())
	texts := last.texts()
	return last.status() == authority.Found && last.same() && len(texts) == 1 && c.isOurs(texts[0])
}

// ended tells whether the chain ends where it does because there is no more of it, rather than because nobody answered.
func (c *checking) ended() bool {
	last := c.chain.Last()
	var gone *authority.NoDomainError
	return len(newView(last).answered) > 0 || errors.As(last.Err, &gone)
}

// leadsSomewhere reports a chain with nothing at its end.
func (c *checking) leadsSomewhere() bool {
	if len(c.chain.Hops) == 1 || c.end.status() == authority.Found {
		return true
	}
	last := c.chain.Last()
	c.report.raise("D506", facts{"alias": printable(last.Name), "detail": describeAll(c.end.answered) + ", for " + printable(last.Name)})
	c.report.decide(Absent)
	c.report.retryIn(c.end.negativeTTL())
	return false
}

// noAlias judges what stands where a CNAME belongs. It is true if signatures verify with it, or if there is nothing at all.
func (c *checking) noAlias(ctx context.Context) bool {
	if c.end.status() != authority.Found {
		if kinds := c.otherTypes(ctx, authority.A, authority.AAAA); kinds != nil {
			c.report.raiseAs("D503", Error, facts{"detail": "no CNAME and no TXT, but " + strings.Join(kinds, ", ")})
			c.report.decide(Absent)
			return false
		}
		return true
	}
	texts := c.end.texts()
	text := texts[0]
	found := facts{"found": quote(text), "detail": ""}
	switch {
	case len(texts) == 1 && isTargetText(text, c.subject.Target):
		c.report.raise("D502", found)
		c.report.decide(Malformed)
		return false
	case len(texts) == 1 && c.isOurs(text):
		c.detour = true
		if slices.Equal(texts, c.source.Peek(ctx, c.subject.Target, authority.TXT).Texts()) {
			c.report.raise("D503", facts{"detail": "no CNAME, but a copy of the TXT record at " + c.subject.Target})
		} else {
			found["detail"] = ", which has the right key for now"
			c.report.raiseAs("D501", Warning, found)
		}
		return true
	}
	c.report.raise("D501", found)
	c.report.decide(Mismatch)
	c.report.retryIn(c.end.ttl())
	return false
}

// isTargetText tells whether a TXT record's text is the name that the CNAME should have pointed to.
func isTargetText(text, target string) bool {
	text = strings.ToLower(strings.Trim(text, " .\""))
	text = strings.TrimSpace(strings.TrimPrefix(text, "cname "))
	return text == strings.ToLower(target)
}

// wrongTarget says where a CNAME points instead.
func (c *checking) wrongTarget(alias, target string) {
	c.report.decide(TargetChanged)
	zone := strings.ToLower(c.zone.Name)
	switch {
	case alias == target+"."+zone || alias == target+"."+strings.ToLower(c.subject.Domain):
		c.report.raise("D508", nil)
	case slices.ContainsFunc(c.subject.Former, func(f string) bool { return isBelow(alias, strings.ToLower(f)) }):
		c.report.raise("D509", nil)
	default:
		detail := ""
		if who := knownService(alias); who != "" {
			detail = " (" + who + ")"
		}
		c.report.raise("D510", facts{"detail": detail})
	}
	for _, r := range c.own().Of(authority.CNAME) {
		c.report.retryIn(r.TTL)
	}
}

// besides looks for other records at the name of a CNAME.
func (c *checking) besides(ctx context.Context, alias string) {
	for _, a := range c.chain.Hops[0].Answers {
		if texts := a.Texts(); texts != nil && a.Alias() != "" {
			c.report.raise("D511", facts{"alias": printable(alias), "found": quote(texts[0]), "remove": c.superfluous()})
			return
		}
	}
}

// superfluous is which of CNAME and TXT should go.
func (c *checking) superfluous() string {
	if c.subject.Target != "" {
		return "the TXT record"
	}
	return "the CNAME record"
}

// slots looks at the domain's other CNAME records, which the next rotation will need (ruling 34).
func (c *checking) slots(ctx context.Context) {
	severity := Error
	if c.subject.Active {
		severity = Warning
	}
	for _, slot := range c.subject.Slots {
		name := slotName(slot, c.subject.Domain)
		hop := c.source.Ask(ctx, name, authority.CNAME)
		v := newView(hop)
		if len(v.answered) == 0 {
			continue // the servers are the same, and have their own finding
		}
		c.saw(slot.Selector, hop)
		if hop.Alias() != strings.ToLower(slot.Target) {
			c.report.raiseAs("D504", severity, facts{
				"other": name, "detail": describeAll(v.answered), "target": slot.Target, "host": relative(name, c.zone.Name),
			})
		}
	}
}

func slotName(s Slot, domain string) string { return dkim.RecordName(s.Selector, domain) }

// dangling looks for what a domain that was deleted here has left behind.
func (c *checking) dangling(ctx context.Context) {
	alias := c.chain.Hops[0].Alias()
	c.saw(c.subject.Selector, c.chain.Hops[0])
	for _, slot := range c.subject.Slots {
		if hop := c.source.Ask(ctx, slotName(slot, c.subject.Domain), authority.CNAME); len(newView(hop).answered) > 0 {
			c.saw(slot.Selector, hop)
		}
	}
	if alias == "" || alias != strings.ToLower(c.subject.Target) {
		c.report.decide(Absent)
		return
	}
	c.report.raise("D512", facts{"alias": printable(alias)})
	c.report.decide(OK)
}

// otherTypes names the records of other types at the name: "A 192.0.2.1".
func (c *checking) otherTypes(ctx context.Context, types ...authority.Type) []string {
	var out []string
	for _, t := range types {
		for _, r := range c.source.Peek(ctx, c.name, t).Of(t) {
			out = append(out, t.String()+" "+printable(r.Target))
		}
	}
	return out[:min(len(out), maxListed)]
}

// isBelow tells whether a name is zone or below it. Both are lower case.
func isBelow(name, zone string) bool { return name == zone || strings.HasSuffix(name, "."+zone) }
