package doctor

import (
	"strings"
)

// sendmail judges sendmail.cf.
func (e *examination) sendmail() {
	s := e.Sendmail
	if s == nil {
		return
	}
	if s.Stale {
		e.raise("cf-older-than-mc", texts{"cf": s.Path, "mc": s.Source})
	}
	if e.sendmailWiring(s) == 0 {
		return
	}
	e.sendmailFlags(s)
	e.sendmailMacros(s)
	e.sendmailRewrites(s)
	e.relay(strings.TrimPrefix(s.Macros["S"], "esmtp:"), "SMART_HOST in "+s.Path)
}

// sendmailWiring looks for us in the filters of each daemon.
func (e *examination) sendmailWiring(s *Sendmail) (wired int) {
	daemons := []*SendmailDaemon{nil} // for those without a list of their own
	for i := range s.Daemons {
		if s.Daemons[i].Own {
			daemons = append(daemons, &s.Daemons[i])
		}
	}
	if len(daemons) == len(s.Daemons)+1 && len(s.Daemons) > 0 {
		daemons = daemons[1:]
	}
	var without []string
	for _, d := range daemons {
		if !e.sendmailDaemon(s, d) {
			without = append(without, daemonTitle(d))
			continue
		}
		wired++
	}
	t := texts{"cf": s.Path, "without": list(without), "line": e.filterLine(), "wanted": list(e.wanted((*listener).forSendmail))}
	switch {
	case wired > 0 && len(without) > 0:
		e.raise("daemon-not-wired", t)
	case wired > 0:
	case s.Named && !namesUs(s):
		t["mc"] = s.Source
		e.raise("cf-not-built", t)
	case len(s.Filters) > 0 && e.unused(s) != "":
		t["filter"] = e.unused(s)
		e.raise("filter-unused", t)
	default:
		t["filters"] = orEmpty(list(filterTexts(s.Filters)))
		e.raise("not-wired-sendmail", t)
	}
	return wired
}

// sendmailDaemon looks at the filters of one daemon.
func (e *examination) sendmailDaemon(s *Sendmail, d *SendmailDaemon) (wired bool) {
	var places []place
	for _, f := range s.filters(d) {
		l, _ := e.ours(f.Milter, false, "")
		other, known := e.recognise(f.Milter, f.Name, f.reached(false, ""))
		places = append(places, place{f.Name, l, other, known && l == nil})
		wired = wired || l != nil
	}
	e.order("InputMailFilters of "+daemonTitle(d)+" in "+s.Path, "INPUT_MAIL_FILTER lines in this order: ", places)
	return wired
}

func daemonTitle(d *SendmailDaemon) string {
	if d == nil {
		return "all daemons"
	}
	return "the daemon " + d.Name
}

// unused is a filter that leads to us and that no list has.
func (e *examination) unused(s *Sendmail) string {
	for _, f := range s.Filters {
		if l, _ := e.ours(f.Milter, false, ""); l != nil {
			return f.Name
		}
	}
	return ""
}

func namesUs(s *Sendmail) bool {
	for _, f := range s.Filters {
		if strings.Contains(f.Name, serviceName) {
			return true
		}
	}
	return false
}

func filterTexts(filters []Filter) (all []string) {
	for _, f := range filters {
		all = append(all, f.Name+" at "+f.Text)
	}
	return all
}

// filterLine is the line of sendmail.mc that docs/sendmail.md has.
func (e *examination) filterLine() string {
	var lines []string
	for _, address := range e.wanted((*listener).forSendmail) {
		lines = append(lines, "INPUT_MAIL_FILTER(`postseal', `S="+address+", F=, T=S:10s;R:10s;E:5m')dnl")
	}
	return strings.Join(lines, "\n")
}

func (e *examination) sendmailFlags(s *Sendmail) {
	for _, f := range s.Filters {
		if l, _ := e.ours(f.Milter, false, ""); l == nil {
			continue
		}
		t := texts{"cf": s.Path, "filter": f.Name, "flag": f.Flag, "line": e.filterLine()}
		switch {
		case strings.Contains(f.Flag, "R"):
			t["effect"] = "mail is refused for good (554)"
			e.raiseAs("filter-flag", Error, t)
		case strings.Contains(f.Flag, "T"), strings.Contains(f.Flag, "4"):
			t["effect"] = "all mail waits (451 or 421)"
			e.raise("filter-flag", t)
		}
	}
}

// sendmailMacros: cf.README's defaults have all that is needed; a list in sendmail.mc replaces them.
func (e *examination) sendmailMacros(s *Sendmail) {
	value, set := s.Options["Milter.macros.envfrom"]
	if !set || !e.signs() {
		return
	}
	have := words(value)
	var missing []string
	for _, name := range []string{"i", "{auth_type}", "{auth_authen}"} {
		if !have[name] {
			missing = append(missing, name)
		}
	}
	severity := Warning
	if !have["{auth_type}"] {
		severity = Error
	}
	if len(missing) > 0 {
		e.raiseAs("macros-missing", severity, texts{
			"where": "Milter.macros.envfrom in " + s.Path, "value": value, "missing": list(missing),
			"line": "define(`confMILTER_MACROS_ENVFROM', `i, {auth_type}, {auth_authen}, {auth_ssf}, {auth_author}, {mail_mailer}, {mail_host}, {mail_addr}')dnl",
		})
	}
}

// sendmailRewrites: what Sendmail changes behind the milter (docs/sendmail.md).
func (e *examination) sendmailRewrites(s *Sendmail) {
	if !e.signs() {
		return
	}
	sign := e.Ours.Config.Sign
	if strings.HasPrefix(sign.Canonicalization, "simple") {
		e.raise("lists-folded", texts{"file": e.configPath(), "value": sign.Canonicalization})
	}
	if sign.Headers.Preset == "mail-assure" || containsFold(sign.Headers.Names, "Bcc") {
		e.raise("bcc-signed", texts{"file": e.configPath()})
	}
	var lines []string
	if quoted, set := s.Options["MustQuoteChars"]; !set || quoted != "" {
		lines = append(lines, "define(`confMUST_QUOTE_CHARS', `')dnl")
	}
	if mailer := s.Mailers["esmtp"]; mailer != "" && !strings.Contains(strings.ReplaceAll(mailer, " ", ""), "L=0") {
		lines = append(lines, "define(`SMTP_MAILER_LL', `0')dnl")
	}
	if mailer := s.Mailers["esmtp"]; mailer != "" && !strings.Contains(mailerFlags(mailer), "8") {
		lines = append(lines, "define(`SMTP_MAILER_FLAGS', `8')dnl")
	}
	if !strings.EqualFold(s.Options["DontExpandCnames"], "true") {
		lines = append(lines, "define(`confDONT_EXPAND_CNAMES', `True')dnl")
	}
	if len(lines) > 0 {
		e.raise("sendmail-rewrites", texts{"cf": s.Path, "lines": strings.Join(lines, "\n")})
	}
	var masks []string
	if s.Macros["M"] != "" {
		masks = append(masks, "MASQUERADE_AS("+s.Macros["M"]+")")
	}
	if s.Maps["generics"] != "" {
		masks = append(masks, "genericstable")
	}
	if len(masks) > 0 {
		e.raise("masqueraded", texts{"cf": s.Path, "what": list(masks)})
	}
}

// mailerFlags are those of F= in an M line.
func mailerFlags(mailer string) string {
	for part := range strings.SplitSeq(mailer, ",") {
		if flags, ok := strings.CutPrefix(strings.TrimSpace(part), "F="); ok {
			return flags
		}
	}
	return ""
}

func containsFold(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}
