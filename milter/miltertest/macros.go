package miltertest

import "github.com/postseal/postseal/milter"

// stageOf tells whose macro list goes with a command: Postfix sends that of the end of the header with each field, that of the end of the message with each chunk.
var stageOf = map[milter.Command]milter.Stage{
	milter.CmdConnect: milter.StageConnect, milter.CmdHelo: milter.StageHelo, milter.CmdMail: milter.StageMail, milter.CmdRcpt: milter.StageRcpt,
	milter.CmdData: milter.StageData, milter.CmdHeader: milter.StageEOH, milter.CmdEOH: milter.StageEOH,
	milter.CmdBody: milter.StageEOM, milter.CmdEOM: milter.StageEOM,
}

// defaults are the macro lists of the two MTAs.
var defaults = map[Style]map[milter.Stage][]string{
	Postfix: {
		milter.StageConnect: {"j", "{daemon_name}", "{daemon_addr}", "v", "_"},
		milter.StageHelo:    {"{tls_version}", "{cipher}", "{cipher_bits}", "{cert_subject}", "{cert_issuer}"},
		milter.StageMail:    {"{auth_type}", "{auth_authen}", "{auth_author}", "{mail_addr}", "{mail_host}", "{mail_mailer}"},
		milter.StageRcpt:    {"{rcpt_addr}", "{rcpt_host}", "{rcpt_mailer}"},
		milter.StageData:    {"i"},
		milter.StageEOH:     {"i"},
		milter.StageEOM:     {"i"},
	},
	Sendmail: {
		milter.StageConnect: {"j", "_", "{daemon_name}", "{if_name}", "{if_addr}"},
		milter.StageHelo:    {"{tls_version}", "{cipher}", "{cipher_bits}", "{cert_subject}", "{cert_issuer}"},
		milter.StageMail:    {"i", "{auth_type}", "{auth_authen}", "{auth_ssf}", "{auth_author}", "{mail_mailer}", "{mail_host}", "{mail_addr}"},
		milter.StageRcpt:    {"{rcpt_mailer}", "{rcpt_host}", "{rcpt_addr}"},
		milter.StageEOM:     {"{msg_id}"},
	},
}

// macrosFor sends the macros of a command as the style has it.
func (s *sender) macrosFor(cmd milter.Command) error {
	s.at = cmd
	if s.left(cmd) {
		return nil
	}
	if s.Style == Sendmail && (cmd == milter.CmdData || cmd == milter.CmdHeader || cmd == milter.CmdEOH || cmd == milter.CmdBody) {
		return nil
	}
	stage := stageOf[cmd]
	names, chosen := s.answer.Macros[stage]
	if !chosen {
		names = defaults[s.Style][stage]
	}
	var pairs []string
	for _, name := range names {
		if value, ok := s.value(name); ok {
			pairs = append(pairs, name, value)
		}
	}
	return s.Macro(cmd, pairs...)
}

// value looks a macro up; names in the negotiation may be written with or without braces.
func (s *sender) value(name string) (string, bool) {
	for _, spelling := range []string{name, "{" + name + "}"} {
		if v, ok := s.msg.Macros[spelling]; ok {
			return v, true
		}
		if v, ok := s.Macros[spelling]; ok {
			return v, true
		}
	}
	return "", false
}
