package daemon

import (
	"cmp"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/domains/notify"
	"github.com/postseal/postseal/internal/mailaddr"
)

// mailFrom is the sender of notifications.
func mailFrom(cfg *config.Config) string { return cmp.Or(cfg.Notify.MailFrom, "postseal@"+hostName()) }

// ownDomain is the sender's domain of the mail that postseal itself sends, "" if it sends
// none.
func ownDomain(cfg *config.Config) string {
	if len(cfg.Notify.MailTo) == 0 {
		return ""
	}
	from, err := mailaddr.Parse(mailFrom(cfg))
	if err != nil {
		return "" // told as a mistake of notify.mail_from
	}
	return from.Domain
}

// channels are the ways by which [notify] wants to be told.
func channels(cfg *config.Config) (all []notify.Channel, problems config.Problems) {
	n := cfg.Notify
	add := func(key, name string, channel notify.Notifier, err error) {
		if err != nil {
			problems = append(problems, cfg.Problem("notify."+key, "", "%v", err))
			return
		}
		all = append(all, notify.Channel{Name: name, Notifier: channel})
	}
	if len(n.MailTo) > 0 {
		mail, err := notify.NewMail(n.MailServer, mailFrom(cfg), n.MailTo)
		add("mail_to", "mail", mail, err)
	}
	if n.Webhook != "" {
		hook, err := notify.NewWebhook(n.Webhook)
		add("webhook", "webhook", hook, err)
	}
	if len(n.Command) > 0 {
		program, err := notify.NewProgram(n.Command)
		add("command", "command", program, err)
	}
	return all, problems
}
