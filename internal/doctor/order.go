package doctor

import (
	"slices"
	"strings"
)

// place is a milter in a list, with what is known of it.
type place struct {
	text  string
	ours  *listener
	other program
	known bool
}

// postfixOrder looks at each service's list once.
func (e *examination) postfixOrder(p *Postfix) {
	for _, s := range p.smtpd() {
		var places []place
		for _, m := range p.milters(s) {
			at := m.reached(s.Chroot, p.queue())
			l, _ := e.ours(m, s.Chroot, p.queue())
			other, known := e.recognise(m, "", at)
			places = append(places, place{m.Text, l, other, known && l == nil})
		}
		where := "smtpd_milters in " + p.Dir + "/main.cf"
		if _, own := s.Own["smtpd_milters"]; own {
			where = "smtpd_milters of " + s.String() + " in " + p.Dir + "/master.cf"
		}
		e.order(where, "smtpd_milters = ", places)
	}
}

// order: filters that change mail come before the one that signs, filters that read its results come after the one that verifies.
func (e *examination) order(where, line string, places []place) {
	first, last := -1, -1
	for i, p := range places {
		if p.ours != nil {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return
	}
	signs := slices.ContainsFunc(places, func(p place) bool { return p.ours != nil && p.ours.signs() })
	verifies := slices.ContainsFunc(places, func(p place) bool { return p.ours != nil && p.ours.verifies() })
	var writers []string
	for i, p := range places {
		if !p.known {
			continue
		}
		t := texts{"where": where, "other": p.other.name, "address": p.text, "order": ordered(places), "line": line + sorted(places)}
		switch {
		case p.other.reads && i < first && verifies:
			e.raise("reader-first", t)
		case p.other.changes && i > last && signs:
			e.raise("changed-after-signing", t)
		}
		if p.other.signs && (signs || verifies) {
			e.raise("two-signers", t)
		}
		if p.other.writes && !p.other.signs && !p.other.reads && i < last && verifies {
			writers = append(writers, p.other.name)
		}
		if p.other.reads && i > first && verifies {
			e.readersTrust(where)
		}
	}
	e.spared(where, writers, verifies)
}

// spared: results that others wrote in our name before us are removed like forged ones, unless verify.spare_methods says which to keep.
func (e *examination) spared(where string, writers []string, verifies bool) {
	methods := e.Ours.Config.Verify.SpareMethods
	switch {
	case len(writers) > 0 && len(methods) == 0:
		e.raise("results-removed", texts{"where": where, "others": list(writers)})
	case len(writers) == 0 && len(methods) > 0 && verifies:
		e.raise("spared-needlessly", texts{"where": where, "methods": list(methods), "file": e.configPath()})
	}
}

// readersTrust: OpenDMARC reads the results of those authserv-ids that it was told.
func (e *examination) readersTrust(where string) {
	if e.OpenDMARC == nil || len(e.OpenDMARC.Trusted) == 0 {
		return
	}
	id := e.authservID()
	for _, trusted := range e.OpenDMARC.Trusted {
		if strings.EqualFold(trusted, id) || trusted == "HOSTNAME" && e.Ours.Config.AuthservID == "" {
			return
		}
	}
	e.raise("reader-trusts-others", texts{"where": where, "path": e.OpenDMARC.Path, "trusted": list(e.OpenDMARC.Trusted), "id": id})
}

// authservID is our name in results.
func (f *Facts) authservID() string {
	switch {
	case f.Ours.Config.AuthservID != "":
		return f.Ours.Config.AuthservID
	case f.Postfix != nil:
		return f.Postfix.Params["myhostname"]
	case f.Sendmail != nil && f.Sendmail.Macros["j"] != "" && !strings.Contains(f.Sendmail.Macros["j"], "$"):
		return f.Sendmail.Macros["j"]
	}
	return "the MTA's {j}"
}

func ordered(places []place) string {
	var names []string
	for _, p := range places {
		names = append(names, p.text)
	}
	return strings.Join(names, ", ")
}

// sorted is the same list in a good order; those of the same weight keep theirs.
func sorted(places []place) string {
	weight := func(p place) int {
		switch {
		case p.known && p.other.reads:
			return 2
		case p.ours != nil:
			return 1
		}
		return 0
	}
	places = slices.Clone(places)
	slices.SortStableFunc(places, func(a, b place) int { return weight(a) - weight(b) })
	return ordered(places)
}
