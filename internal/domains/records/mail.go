package records

import "strings"

// share is a text for whoever runs the DNS, complete for somebody who has no
// access to this host (OCR-9, TST-6).
func share(t *text, s *Sheet) {
	wanted := s.Wanted()
	t.line("Mail from %s is signed with DKIM, so that receivers can see that it is genuine. For that they", Both(s.Name))
	t.line("look up a public key in the DNS of %s. We made the key; we cannot make the change in your", Both(s.Domain))
	t.line("DNS. Please see to the following there, or pass this on to whoever can.")
	t.line("")
	t.line("%s", s.where())
	for _, r := range wanted {
		t.line("")
		t.line("%s", asked(&r))
		t.line("")
		t.line("  Type   %s", r.Type)
		t.line("  Host   %s", s.bestHost(r.Host))
		t.line("         in full, with final dot: %s", r.Host.Dot)
		t.line("  %s", padded(r.valueLabel(), r.Value))
		t.line("  TTL    %d", r.TTL)
		if len(r.Strings) > 1 {
			t.line("")
			t.line("  As a line of a zone file:")
			t.line("  %s %d IN TXT %s", r.Host.Dot, r.TTL, r.Quoted())
		}
	}
	if len(wanted) > 0 {
		t.line("")
		t.line("%s", s.whichForm(wanted[0].Host))
		t.line("There is nothing to send back: we look at DNS by ourselves. It can take up to 48 hours.")
	}
	s.leftovers(t)
	if len(wanted) > 0 {
		t.line("")
		t.line("Host is also called Name or Alias; Value is also called Points to, Target, Address, Data or")
		t.line("Content. The records hold a public key: there is no secret in this message.")
	}
}

func asked(r *Record) string {
	switch {
	case r.Was != "":
		return "Please change this record. Its present value is " + r.Was + " and the new one is below:"
	case r.Action == Revoke:
		return "AT ONCE, the key is compromised. This record must become:"
	case r.Action == Stay:
		return "This record is there and has to stay as it is:"
	}
	return "Please add this record:"
}

func padded(label, value string) string {
	if len(label) < 7 {
		label += strings.Repeat(" ", 7-len(label))
	} else {
		label += "  "
	}
	return label + value
}

// mail is the text as a message that sendmail -t takes.
func mail(s *Sheet) string {
	var body text
	share(&body, s)
	var t text
	if s.Contact != "" {
		t.line("To: %s", header(s.Contact))
	}
	subject := "DNS record to publish for " + s.Domain + " (DKIM)"
	if len(s.With(Revoke)) > 0 {
		subject = "URGENT: DNS record to change for " + s.Domain + " (DKIM)"
	}
	t.line("Subject: %s", subject)
	t.line("MIME-Version: 1.0")
	t.line("Content-Type: text/plain; charset=utf-8")
	t.line("Content-Transfer-Encoding: 8bit")
	t.line("")
	t.WriteString(body.String())
	return t.String()
}

// header keeps a contact on one line.
func header(contact string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, contact)
}
