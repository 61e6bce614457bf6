package records

// updateScript changes a zone by dynamic update (RFC 2136). It touches no record
// but those of our own keys.
func updateScript(t *text, s *Sheet) {
	t.line("; %s", s.Name)
	if s.Zone.Guessed { // without a zone statement nsupdate looks for the SOA record itself
		t.line("; %s", s.where())
	} else {
		t.line("zone %s.", s.Zone.Name)
	}
	for _, r := range s.Records {
		switch r.Action {
		case Remove:
			t.line("update delete %s %s", r.Host.Dot, r.Type)
			continue
		case Revoke:
			t.line("update delete %s %s", r.Host.Dot, r.Type)
		case Keep:
			t.line("; keep until %s", Stamp(r.Until))
		case Publish, Stay:
			if r.Was != "" {
				t.line("update delete %s %s", r.Host.Dot, r.Type)
			}
		}
		value := r.Value
		if r.Type == "TXT" {
			value = r.Quoted()
		}
		t.line("update add %s %d %s %s", r.Host.Dot, r.TTL, r.Type, value)
	}
	t.line("send")
}
