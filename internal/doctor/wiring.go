package doctor

import (
	"slices"
	"strings"
)

// postfix judges main.cf and master.cf.
func (e *examination) postfix() {
	p := e.Postfix
	if p == nil {
		return
	}
	wired := e.wiring(p)
	if wired == 0 {
		return // all else waits for that
	}
	e.localMail(p)
	e.protocol(p)
	e.defaultAction(p)
	e.macros(p)
	e.trust(p)
	e.reinjection(p)
	e.postfixOrder(p)
	e.afterwards(p)
	e.bounces(p)
}

// wiring looks for us in the milters of each service, and tells how many have us.
func (e *examination) wiring(p *Postfix) (wired int) {
	var without []*Service
	var strange []string // addresses that are nobody's we know
	var all []Milter
	for _, s := range p.smtpd() {
		list := p.milters(s)
		found := false
		for _, m := range list {
			l, outside := e.ours(m, s.Chroot, p.queue())
			switch {
			case l == nil && !e.others(m, m.reached(s.Chroot, p.queue())):
				strange = append(strange, m.Text)
			case l != nil && outside:
				e.outsideChroot(p, m, l)
			case l != nil && p.submits(s) && !l.signs() && len(list) == 1:
				e.raise("submission-unsigned", texts{"service": s.String(), "milter": m.Text, "dir": p.Dir})
			}
			found = found || l != nil
		}
		if found {
			wired++
		} else if !s.local() {
			without, all = append(without, s), append(all, list...)
		}
	}
	if wired == 0 && !e.inMain(p) {
		e.notWired(p, strange, all)
		without = nil
	}
	for _, s := range without {
		severity := Warning
		if wired == 0 {
			severity = Error
		}
		e.raiseAs("service-not-wired", severity, texts{
			"service": s.String(), "milters": orEmpty(texted(p.milters(s))), "dir": p.Dir, "option": "-o { " + e.milterLine(p, "smtpd_milters", s) + " }",
		})
	}
	if maps := p.Params["smtpd_milter_maps"]; maps != "" {
		e.raise("milter-maps", texts{"maps": maps, "dir": p.Dir})
	}
	return wired
}

// inMain tells whether main.cf has us for services without a list of their own.
func (e *examination) inMain(p *Postfix) bool {
	return !words(p.Params["receive_override_options"])["no_milters"] && slices.ContainsFunc(parseMilters(p.Params["smtpd_milters"]), func(m Milter) bool {
		l, _ := e.ours(m, false, p.queue())
		return l != nil
	})
}

// notWired tells a forgotten milter from a mistaken address.
func (e *examination) notWired(p *Postfix, strange []string, all []Milter) {
	wanted := e.wanted(func(l *listener) string { return l.forPostfix(p.queue()) })
	t := texts{"dir": p.Dir, "version": p.Params["mail_version"], "wanted": list(wanted), "milters": orEmpty(texted(all)), "line": e.milterLine(p, "smtpd_milters", nil)}
	switch {
	case len(wanted) == 0: // sockets tells
	case len(strange) > 0:
		t["milters"] = list(slices.Compact(strange))
		t["line"] = "smtpd_milters = " + e.corrected(p, wanted)
		e.raise("wrong-address", t)
	case words(p.Params["receive_override_options"])["no_milters"]:
		e.raise("milters-off", t)
	default:
		e.raise("not-wired", t)
	}
}

// milterLine is a line of main.cf that has us as well, before those who read our results and after all others.
func (e *examination) milterLine(p *Postfix, param string, s *Service) string {
	var before, after []string
	for _, m := range parseMilters(p.of(s, param)) {
		if known, ok := e.recognise(m, "", m.reached(false, p.queue())); ok && known.reads {
			after = append(after, m.Text)
		} else {
			before = append(before, m.Text)
		}
	}
	ours := e.wanted(func(l *listener) string { return l.forPostfix(p.queue()) })
	return param + " = " + strings.Join(slices.Concat(before, ours, after), ", ")
}

// corrected are the milters of main.cf with those that nobody answers for replaced by ours.
func (e *examination) corrected(p *Postfix, wanted []string) string {
	var kept []string
	for _, m := range parseMilters(p.Params["smtpd_milters"]) {
		if e.others(m, m.reached(false, p.queue())) {
			kept = append(kept, m.Text)
		}
	}
	return strings.Join(append(kept, wanted...), ", ")
}

// others tells whether a milter is somebody else's.
func (e *examination) others(m Milter, at Endpoint) bool {
	_, ok := e.recognise(m, "", at)
	return ok
}

// localMail looks at what sendmail(1) hands in, by cleanup(8).
func (e *examination) localMail(p *Postfix) {
	if !e.signs() {
		return
	}
	cleanup := p.cleanup()
	value := p.of(cleanup, "non_smtpd_milters")
	for _, m := range parseMilters(value) {
		l, outside := e.ours(m, cleanup != nil && cleanup.Chroot, p.queue())
		if l != nil && outside {
			e.outsideChroot(p, m, l)
		}
		if l != nil {
			return
		}
	}
	line := "non_smtpd_milters = $smtpd_milters"
	if value != "" {
		line = e.milterLine(p, "non_smtpd_milters", nil)
	}
	e.raise("non-smtpd-forgotten", texts{"dir": p.Dir, "milters": orEmpty(value), "line": line})
}

func texted(all []Milter) string {
	var names []string
	for _, m := range all {
		if !slices.Contains(names, m.Text) {
			names = append(names, m.Text)
		}
	}
	return list(names)
}

func orEmpty(s string) string {
	if strings.TrimSpace(s) == "" {
		return "empty"
	}
	return s
}
