package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns/authority"
)

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
