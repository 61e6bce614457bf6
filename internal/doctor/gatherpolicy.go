package doctor

import (
	"context"
	"errors"
	"strings"

	"github.com/emersion/go-msgauth/dmarc"

	"github.com/postseal/postseal/internal/dns/authority"
)

// askDMARC looks at the domain, then at the registered domain above it (RFC 7489 section 6.6.3).
func askDMARC(ctx context.Context, r Records, domain string) (Policy, error) {
	p, err := policyAt(ctx, r, domain)
	if org := registered(domain); err == nil && len(p.Texts) == 0 && org != domain {
		return policyAbove(ctx, r, org)
	}
	return p, err
}

func policyAt(ctx context.Context, r Records, domain string) (Policy, error) {
	p := Policy{Name: "_dmarc." + domain}
	var err error
	if p.Texts, err = versioned(ctx, r, p.Name, "v=DMARC1"); err != nil || len(p.Texts) != 1 {
		return p, err
	}
	record, err := dmarc.Parse(p.Texts[0])
	if err != nil {
		p.Err = err
		return p, nil
	}
	p.Request, p.Strict = string(record.Policy), record.DKIMAlignment == dmarc.AlignmentStrict
	return p, nil
}

// policyAbove is the one of the registered domain, which may say another thing for what is below it (sp=).
func policyAbove(ctx context.Context, r Records, org string) (Policy, error) {
	p, err := policyAt(ctx, r, org)
	if err == nil && p.Err == nil && len(p.Texts) == 1 {
		if record, err := dmarc.Parse(p.Texts[0]); err == nil && record.SubdomainPolicy != "" {
			p.Request = string(record.SubdomainPolicy)
		}
	}
	return p, err
}

// versioned are the TXT records of a name that begin with a version.
func versioned(ctx context.Context, r Records, name, version string) (found []string, err error) {
	a := r.Peek(ctx, name, authority.TXT)
	if !a.Status.Answered() {
		return nil, errors.New(a.Server + ": " + a.Detail)
	}
	for _, text := range a.Texts() {
		rest, ok := strings.CutPrefix(text, version)
		if ok && (rest == "" || strings.ContainsAny(rest[:1], " ;\t")) {
			found = append(found, text)
		}
	}
	return found, nil
}
