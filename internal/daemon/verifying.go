package daemon

import (
	"fmt"
	"os"
	"time"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/filter"
	"github.com/postseal/postseal/internal/mailaddr"
	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/verifier"
)

// BuildVerifying makes what incoming mail is verified with, for a command that
// needs nothing else: no tables are read.
func BuildVerifying(cfg *config.Config) (*filter.Verifying, error) {
	lookup, err := NewLookup(cfg, nil, nil)
	if err != nil {
		return nil, err
	}
	b := builder{cfg: cfg, given: Given{Lookup: lookup}}
	v := b.verifying()
	return &v, b.err()
}

// verifying makes what incoming mail is verified with.
func (b *builder) verifying() filter.Verifying {
	c := b.cfg.Verify
	v := filter.Verifying{
		AuthservID:     b.cfg.AuthservID,
		OtherIDs:       c.RemoveAuthservIDs,
		SpareMethods:   c.SpareMethods,
		ReportUnsigned: c.ReportUnsigned,
		Rules:          policy.Verification{Actions: actions(c.Actions, policy.Actions{}), Domains: map[string]policy.Actions{}},
	}
	v.Hostname, _ = os.Hostname()
	for i, row := range c.Domains {
		domain, err := policy.ParseDomainPattern(row.Domain)
		if err != nil {
			b.report(fmt.Sprintf("verify.domain[%d].domain", i), err)
			continue
		}
		if _, twice := v.Rules.Domains[domain]; twice {
			b.report(fmt.Sprintf("verify.domain[%d].domain", i), fmt.Errorf("%s has a row already", domain))
		}
		own := actions(row.Actions, v.Rules.Actions)
		own[policy.NoAlignedPass], _ = policy.ParseAction(row.NoAlignedPass)
		v.Rules.Domains[domain] = own
	}
	options := verifier.Options{
		MaxSignatures:       int(b.cfg.Limits.Signatures),
		MaxHeaderListLength: int(b.cfg.Limits.SignedNames),
		MaxRecordBytes:      int(b.cfg.Limits.RecordBytes),
		MinKeyBits:          int(c.MinKeyBits),
		MaxKeyBits:          int(c.MaxKeyBits),
		ClockSkew:           time.Duration(c.ClockSkew),
		Timeout:             time.Duration(b.cfg.DNS.Timeout),
		AllowPartialBody:    c.PartialBody == "pass",
	}
	if c.ClockSkew == 0 {
		options.ClockSkew = -1 // none; zero would be the verifier's default
	}
	for _, d := range c.RefusedDomains {
		domain, err := mailaddr.ALabels(d)
		if err != nil {
			b.report("verify.refused_domains", fmt.Errorf("%q: %w", d, err))
		}
		options.RefusedDomains = append(options.RefusedDomains, domain)
	}
	v.Verifier = verifier.New(b.given.Lookup, options)
	return v
}

// actions reads a table of actions; those that it leaves empty are as before.
func actions(c config.Actions, before policy.Actions) policy.Actions {
	for situation, word := range map[policy.Situation]string{
		policy.BadSignature: c.BadSignature, policy.KeyNotFound: c.KeyNotFound, policy.NoSignature: c.NoSignature,
		policy.DNSError: c.DNSError, policy.Malformed: c.Malformed, policy.KeyTooSmall: c.KeyTooSmall,
		policy.Security: c.Security, policy.VerifierFault: c.InternalError,
	} {
		if action, ok := policy.ParseAction(word); ok {
			before[situation] = action
		}
	}
	return before
}
