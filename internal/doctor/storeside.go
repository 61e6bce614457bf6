package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// store judges the managed store, or its row of the one domain that is asked for.
func (e *examination) store() {
	m := e.Managed
	switch {
	case m == nil:
		return
	case m.Err != nil:
		e.raise("store-unreadable", texts{"store": m.Name, "error": m.Err.Error()})
		return
	case m.Sealed != nil:
		e.raise("identity-unusable", texts{"store": m.Name, "error": m.Sealed.Error()})
	}
	rows := m.Rows
	if e.notes { // one domain
		rows = nil
		for _, d := range e.Domains {
			if row := m.of(d.Name); row != nil {
				rows = append(rows, *row)
			}
		}
	} else {
		e.storeFiles()
		e.candidates()
	}
	e.rows(rows)
	e.storedAges(rows)
	e.retires(rows)
	e.keysUnused(rows)
}

// storeFiles: who may read the store beside the service, and what lies open that it seals (D622).
func (e *examination) storeFiles() {
	for _, f := range e.Ours.Files {
		if node := f.Nodes[len(f.Nodes)-1]; f.What == "store" && node.Err == nil && node.Mode.Perm()&0o007 != 0 {
			e.raise("store-open", texts{"path": f.Path(), "node": node.Describe()})
		}
	}
	if len(e.Ours.Plain) > 0 {
		e.raise("key-plaintext", texts{"paths": list(e.Ours.Plain)})
	}
}

// rows passes on how the service found the domains.
func (e *examination) rows(rows []Managing) {
	type trouble struct{ names, texts []string }
	found := map[string]*trouble{}
	note := func(word string, row *Managing) {
		if found[word] == nil {
			found[word] = &trouble{}
		}
		name, s := row.Domain.Name, row.Status
		if s.Code != "" {
			name += " (" + s.Code + ")"
		}
		found[word].names = append(found[word].names, name)
		found[word].texts = append(found[word].texts, strings.TrimSpace(s.Label+": "+s.Text))
	}
	for i := range rows {
		switch rows[i].Status.Word {
		case "no-key":
			note("domain-without-key", &rows[i])
		case "error", "compromised", "unverified", "revalidate", "check-dns":
			note("managed-unwell", &rows[i])
		}
	}
	for _, word := range []string{"managed-unwell", "domain-without-key"} {
		if t := found[word]; t != nil {
			e.raise(word, texts{"domains": list(t.names), "status": t.texts[0], "first": rowNamed(t.names[0])})
		}
	}
}

// rowNamed is a name without its code.
func rowNamed(text string) string {
	name, _, _ := strings.Cut(text, " ")
	return name
}

// live tells whether a key of a row signs, or is to sign.
func live(k *domains.Key) bool {
	switch k.State {
	case domains.Pending, domains.Ready, domains.Active, domains.Suspended:
		return !k.Compromised
	}
	return false
}

// storedAges is keyAges for the keys that sign (D620).
func (e *examination) storedAges(rows []Managing) {
	var old, aged []string
	for _, row := range rows {
		for i := range row.Keys {
			k := &row.Keys[i]
			age := e.Now.Sub(k.CreatedAt)
			name := k.Selector + "._domainkey." + k.Domain + " (" + k.CreatedAt.Format(time.DateOnly) + ")"
			switch {
			case k.State != domains.Active || row.Domain.Watched():
			case age > oldKey:
				old = append(old, name)
			case age > agedKey:
				aged = append(aged, name)
			}
		}
	}
	if len(old) > 0 {
		e.raise("managed-key-old", texts{"keys": list(old), "days": "365"})
	}
	if len(aged) > 0 {
		e.raiseAs("managed-key-old", Note, texts{"keys": list(aged), "days": "180"})
	}
}

// retires: mail may wait in the queue longer than its key's record is kept (D621).
func (e *examination) retires(rows []Managing) {
	queue, where := e.queueLifetime()
	if queue == 0 {
		return
	}
	var early []string
	var kept, needed time.Duration
	for _, row := range rows {
		for i := range row.Keys {
			k := &row.Keys[i]
			need := queue + time.Duration(k.TTL)*time.Second
			if after := row.RetireAfter[k.ID]; (live(k) || k.State == domains.Retiring) && after < need {
				early = append(early, row.Domain.Name)
				kept, needed = after, max(needed, need)
			}
		}
	}
	if len(early) > 0 {
		e.raise("retires-early", texts{
			"domains": list(slices.Compact(early)), "kept": days(kept), "queue": days(queue), "where": where, "needed": days(needed + 24*time.Hour), "file": e.configPath(),
		})
	}
}

// keysUnused: those that nothing signs with (D624).
func (e *examination) keysUnused(rows []Managing) {
	var idle []string
	for i := range rows {
		row := &rows[i]
		if row.Domain.Enabled || row.Domain.Watched() || !slices.ContainsFunc(row.Keys, func(k domains.Key) bool { return live(&k) }) {
			continue
		}
		if !slices.ContainsFunc(e.Managed.Users, func(u domains.User) bool { return names(u, row.Domain.Name) }) {
			idle = append(idle, row.Domain.Name)
		}
	}
	if len(idle) > 0 {
		e.raise("key-unused", texts{"domains": list(idle), "first": idle[0]})
	}
}

// names tells whether the row of an outgoing user signs with a domain's keys.
func names(u domains.User, domain string) bool {
	key, _, _ := strings.Cut(u.Key, "/")
	return !u.Disabled && key == domain
}

// candidates are domains that mail is sent for and that nothing signs for (OCR-11).
func (e *examination) candidates() {
	var seen, named []string
	for _, c := range e.Managed.Candidates {
		if c.Source == "mail" {
			seen = append(seen, fmt.Sprintf("%s (%d messages, the last on %s)", c.Domain, c.Count, c.LastSeen.Format(time.DateOnly)))
		} else if !slices.Contains(named, c.Domain) {
			named = append(named, c.Domain)
		}
	}
	if len(seen) > 0 {
		e.raise("candidates", texts{"what": "the From fields of our own users' mail", "domains": list(seen)})
	}
	if len(named) > 0 {
		e.raiseAs("candidates", Note, texts{"what": "domains.candidates", "domains": list(named)})
	}
}
