package opendkim

import (
	"slices"
	"strings"
)

// single turns Domain, Selector and KeyFile, one key for a set of domains, into tables. It reports whether they are
// there.
func (t *translator) single() bool {
	domains, hasDomain := t.find("Domain")
	selector, hasSelector := t.find("Selector")
	file, hasFile := t.find("KeyFile")
	if !hasDomain || !hasSelector || !hasFile {
		return false
	}
	path := t.resolve(file.Value)
	set, ok := t.dataset(domains)
	if !ok || !t.goodKey(path, file.At) {
		return true
	}
	if !t.options.CopyKeys && strings.Contains(path, "%") {
		t.problems.add(file.At, "import with --keys copy, or rename the file", "the key file %s has a %% in its name, which would stand for a domain", path)
		return true
	}
	t.patterns = set.patterns
	s := singleKey{translator: t, path: path, selector: selector.Value, at: file.At}
	s.below = t.flag("SubDomains") && !slices.ContainsFunc(set.entries, func(e entry) bool { return e.key == "*" })
	for _, e := range set.entries {
		s.domain(e)
	}
	if len(t.result.SigningTable) == 0 {
		t.problems.add(domains.At, "", "Domain names no domain")
	}
	t.became("Selector", "lines of the key table")
	if s.below {
		t.became("SubDomains", "rows for what is below each domain, with i=@domain")
	}
	return true
}

// singleKey is the one key of such a configuration.
type singleKey struct {
	*translator
	path, selector string
	at             Position
	any            bool // the key table has the row for all domains
	below          bool // SubDomains, unless all domains sign for themselves
}

// domain writes the rows for one member of Domain.
func (s *singleKey) domain(e entry) {
	switch {
	case e.key == "*" || s.patterns && strings.Contains(e.key, "*"):
		s.wild(e)
	case !isDomain(e.key):
		s.note(e.at, Needless, "Domain "+e.key, "left out: no sender's domain is written like this, so it never matched")
	default:
		s.one(e, strings.ToLower(e.key))
	}
}

// wild signs for any domain that a pattern covers, with the sender's domain for d=.
func (s *singleKey) wild(e entry) {
	const name = "any"
	if !s.any {
		s.any = true
		s.addKey(name, senderDomain)
	}
	pattern := e.key
	if s.patterns {
		pattern = "*@" + e.key
	}
	s.write(pattern+" "+name, e.at)
}

// one signs for a domain and with SubDomains for those below it, as OpenDKIM does with i=@domain.
func (s *singleKey) one(e entry, domain string) {
	if _, twice := s.keys[domain]; twice {
		return
	}
	s.keys[domain] = keyRow{name: domain, domain: domain, at: e.at}
	s.addKey(domain, domain)
	own, below := domain, "."+domain
	if s.patterns {
		own, below = "*@"+domain, "*@*."+domain
	}
	s.write(own+" "+domain, e.at)
	if s.below {
		s.write(below+" "+domain+":@"+domain, e.at)
	}
}

func (s *singleKey) addKey(name, domain string) {
	written := s.path
	if s.options.CopyKeys {
		written = "./" + s.copyKey(s.path, domain, s.selector, s.at)
	} else if len(s.result.referenced) == 0 {
		s.result.referenced = []string{s.path}
	}
	s.result.KeyTable = append(s.result.KeyTable, Line{name + " " + domain + ":" + s.selector + ":" + written, s.at})
}
