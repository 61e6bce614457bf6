package domains

import "strings"

// Rows that only watch keys: those are checked and blocked as others are, but their
// private halves are not in the row. No domain has a colon.
const (
	tablePrefix = "table:" // keys of the hand-edited tables
	lentPrefix  = "lent:"  // keys of outgoing users, under a domain that has none of its own
)

// Watched says that a row only watches keys that are somebody else's.
func (d *Domain) Watched() bool { return isWatched(d.Name) }

// Lent says that a row watches whether a domain has published the keys of outgoing
// users that are to sign for it (fallback_d = "from", MA-17).
func (d *Domain) Lent() bool { return isLent(d.Name) }

func isWatched(name string) bool { return isTable(name) || isLent(name) }
func isTable(name string) bool   { return strings.HasPrefix(name, tablePrefix) }
func isLent(name string) bool    { return strings.HasPrefix(name, lentPrefix) }

// ParseRow reads the name of a row that is there, and gives its domain: what
// ParseName takes, or "table:example.com" and "lent:example.com" for one that watches.
func ParseRow(text string) (name, domain string, err error) {
	if text == SharedSet {
		return SharedSet, "", nil
	}
	for _, prefix := range []string{tablePrefix, lentPrefix} {
		if watched, ok := strings.CutPrefix(text, prefix); ok {
			domain, err = ParseDomain(watched, true)
			return prefix + domain, domain, err
		}
	}
	return ParseName(text, true)
}

// SigningDomain is the d= of a row's keys.
func (d *Domain) SigningDomain() string { return domainOf(d.Name) }

// domainOf is the d= of a row.
func domainOf(name string) string {
	name = strings.TrimPrefix(strings.TrimPrefix(name, tablePrefix), lentPrefix)
	return name[strings.LastIndexByte(name, '@')+1:]
}

// watchesOnly refuses verbs that change keys which the row does not have.
func watchesOnly(name string) error {
	if isLent(name) {
		return &Refused{
			Rule: "lent", What: "the keys of " + name + " are those of outgoing users with fallback_d = from, and are only watched here",
			Way: "`user set` changes what is lent; `domain add " + domainOf(name) + "` gives the domain a key of its own",
		}
	}
	return inTheTables(name)
}

// watchKey has a row watch a key: it signs at once, or waits for DNS.
func (l *life) watchKey(k Key, why string) {
	k.Owner = l.domain.Name
	k.CreatedAt, k.Health.Since = l.birth(), l.now
	l.keys = append(l.keys, &k)
	to := Pending
	if l.domain.Activation == ActivateImmediate {
		to, k.ActivatedAt = Active, l.now
	}
	l.move(&k, to, "%s", why)
	l.openWindow(&k)
	l.schedule(&k)
}

// unwatch forgets the keys that wanted does not name, "selector fingerprint" each.
func (l *life) unwatch(tx Tx, wanted func(*Key) bool, why string) error {
	var kept []*Key
	for _, k := range l.keys {
		if wanted(k) {
			kept = append(kept, k)
			continue
		}
		l.note(k, "%s", why)
		if err := tx.DeleteKey(k.ID); err != nil {
			return err
		}
	}
	l.keys = kept
	return nil
}

// saveWatched saves a row, and forgets one that watches nothing any more.
func (l *life) saveWatched(tx Tx, before Situation) error {
	if err := l.save(tx, before); err != nil || len(l.keys) > 0 {
		return err
	}
	return tx.DeleteDomain(l.domain.Name)
}
