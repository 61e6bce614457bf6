package policy

import (
	"fmt"
	"strings"

	"github.com/postseal/postseal/internal/mailaddr"
)

// DomainSet holds domains; an entry ".example.com" covers what is below
// example.com, "example.com" only itself.
type DomainSet map[string]bool

// ParseDomainSet reads a list of the configuration. All bad entries are
// reported.
func ParseDomainSet(entries []string) (DomainSet, []error) {
	set, errs := DomainSet{}, []error(nil)
	for _, e := range entries {
		domain, err := ParseDomainPattern(e)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		set[domain] = true
	}
	return set, errs
}

// ParseDomainPattern reads "example.com", or ".example.com" for all below it, into
// A-labels.
func ParseDomainPattern(s string) (string, error) {
	name, below := strings.CutPrefix(s, ".")
	domain, err := mailaddr.ALabels(name)
	if err != nil {
		return "", fmt.Errorf("%q: %w", s, err)
	}
	if below {
		domain = "." + domain
	}
	return domain, nil
}

// Has says whether the set covers a domain given in A-labels.
func (s DomainSet) Has(domain string) bool {
	if len(s) == 0 || domain == "" {
		return false
	}
	if s[domain] {
		return true
	}
	for {
		cut := strings.IndexByte(domain[1:], '.')
		if cut < 0 {
			return false
		}
		domain = domain[1+cut:]
		if s[domain] {
			return true
		}
	}
}

// AddressSet holds addresses and domains, for dont_sign_mail_to.
type AddressSet struct {
	addresses map[string]bool
	domains   DomainSet
}

// ParseAddressSet reads user@domain, domain and .domain entries.
func ParseAddressSet(entries []string) (AddressSet, []error) {
	set := AddressSet{addresses: map[string]bool{}}
	var domains []string
	var errs []error
	for _, e := range entries {
		if !strings.Contains(e, "@") {
			domains = append(domains, e)
			continue
		}
		a, err := mailaddr.Parse(e)
		if err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", e, err))
			continue
		}
		set.addresses[key(a)] = true
	}
	var more []error
	set.domains, more = ParseDomainSet(domains)
	return set, append(errs, more...)
}

// Has says whether the set covers an address.
func (s AddressSet) Has(a mailaddr.Address) bool {
	return s.addresses[key(a)] || s.domains.Has(a.Domain)
}

func (s AddressSet) empty() bool { return len(s.addresses)+len(s.domains) == 0 }

// key compares local parts without case, as every MTA at hand does.
func key(a mailaddr.Address) string { return strings.ToLower(a.Local) + "@" + a.Domain }

// DontSignTo says whether a recipient of the envelope keeps a message from
// being signed.
func (s *Snapshot) DontSignTo(rcpt string) bool {
	if s.NoSignTo.empty() {
		return false
	}
	a, err := mailaddr.ParsePath(rcpt)
	return err == nil && s.NoSignTo.Has(a)
}
