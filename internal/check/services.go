package check

// services are who a CNAME often points to.
var services = []struct{ zone, name string }{
	{"amazonses.com", "Amazon SES"},
	{"sendgrid.net", "SendGrid"},
	{"onmicrosoft.com", "Microsoft 365"},
	{"outlook.com", "Microsoft 365"},
	{"mailgun.org", "Mailgun"},
	{"mcsv.net", "Mailchimp"},
	{"mandrillapp.com", "Mandrill"},
	{"sparkpostmail.com", "SparkPost"},
	{"hubspotemail.net", "HubSpot"},
	{"protonmail.ch", "Proton Mail"},
	{"zoho.com", "Zoho Mail"},
	{"messagingengine.com", "Fastmail"},
	{"fmhosted.com", "Fastmail"},
}

func knownService(name string) string {
	for _, s := range services {
		if isBelow(name, s.zone) {
			return s.name
		}
	}
	return ""
}
