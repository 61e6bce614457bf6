package doctor

import (
	"strconv"
	"strings"
)

// wiredMilters are the entries that lead to us, each with a service that has it.
func (e *examination) wiredMilters(p *Postfix, see func(s *Service, m Milter, l *listener)) {
	for _, s := range p.smtpd() {
		for _, m := range p.milters(s) {
			if l, _ := e.ours(m, s.Chroot, p.queue()); l != nil {
				see(s, m, l)
			}
		}
	}
}

// protocol: version 6 alone shows the blanks after the colon (SMFIP_HDR_LEADSPC), which simple canonicalization signs.
func (e *examination) protocol(p *Postfix) {
	e.wiredMilters(p, func(s *Service, m Milter, l *listener) {
		value := p.of(s, "milter_protocol")
		if own, ok := m.Options["protocol"]; ok {
			value = own
		}
		version, _, _ := strings.Cut(value, " ")
		n, err := strconv.Atoi(version)
		if err != nil || n >= 6 {
			return
		}
		severity := Warning
		if n < 2 || l.signs() && strings.HasPrefix(e.Ours.Config.Sign.Canonicalization, "simple") {
			severity = Error
		}
		e.raiseAs("old-protocol", severity, texts{"dir": p.Dir, "version": value})
	})
}

// defaultAction is what becomes of mail while we are not there.
func (e *examination) defaultAction(p *Postfix) {
	e.wiredMilters(p, func(s *Service, m Milter, _ *listener) {
		value, where := p.of(s, "milter_default_action"), "milter_default_action"
		if own, ok := m.Options["default_action"]; ok {
			value, where = own, "default_action of "+m.Text
		}
		line := "smtpd_milters = { " + m.Text + ", default_action=accept }"
		switch value {
		case "reject":
			e.raiseAs("default-action", Warning, texts{"where": where, "dir": p.Dir, "action": value, "line": line, "effect": "mail is refused for good"})
		case "quarantine":
			e.raise("default-action", texts{"where": where, "dir": p.Dir, "action": value, "line": line, "effect": "mail goes on hold until somebody releases it"})
		case "tempfail", "shutdown":
			e.raise("default-action", texts{"where": where, "dir": p.Dir, "action": value, "line": line, "effect": "all mail waits: clients are told to try again"})
		}
	})
}

// macros that a decision needs: by {auth_type} and {auth_authen} an authenticated client is known.
func (e *examination) macros(p *Postfix) {
	for _, s := range p.smtpd() {
		if !p.submits(s) || !e.signs() {
			continue
		}
		mail := words(p.of(s, "milter_mail_macros"))
		var missing []string
		for _, name := range []string{"{auth_type}", "{auth_authen}"} {
			if !mail[name] && !mail[strings.Trim(name, "{}")] {
				missing = append(missing, name)
			}
		}
		severity := Warning
		if !mail["{auth_type}"] {
			severity = Error
		}
		if len(missing) > 0 {
			e.raiseAs("macros-missing", severity, texts{
				"where": "milter_mail_macros in " + p.Dir, "value": p.of(s, "milter_mail_macros"), "missing": list(missing),
				"line": "milter_mail_macros = i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}",
			})
		}
	}
	if !words(p.Params["milter_connect_macros"])["j"] && e.verifies() && e.Ours.Config.AuthservID == "" {
		e.raiseAs("macros-missing", Warning, texts{
			"where": "milter_connect_macros in " + p.Dir, "value": p.Params["milter_connect_macros"], "missing": "j",
			"line": "milter_connect_macros = j {daemon_name} {daemon_addr} v _",
		})
	}
}

// bounces pass non_smtpd_milters only on request.
func (e *examination) bounces(p *Postfix) {
	if classes := p.Params["internal_mail_filter_classes"]; e.signs() && !words(classes)["bounce"] {
		e.raise("bounces-unsigned", texts{"dir": p.Dir, "classes": orEmpty(classes)})
	}
}
