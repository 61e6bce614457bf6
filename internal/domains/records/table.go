package records

// headings of the parts of a table, by action.
var headings = map[Action]string{
	Revoke:  "AT ONCE, the key is compromised: the record must become",
	Publish: "To publish",
	Stay:    "In DNS, has to stay as it is",
}

func (r *Record) heading() string {
	if r.Was != "" {
		return "To change"
	}
	return headings[r.Action]
}

// table lists the records of a row, each in all forms.
func table(t *text, s *Sheet) {
	t.line("%s", Both(s.Name))
	t.line("%s", s.where())
	for _, a := range []Action{Revoke, Publish, Stay} {
		for _, r := range s.With(a) {
			t.line("")
			t.line("%s: %s record of %s (%s)", r.heading(), r.Type, r.Selector, r.describe())
			s.fields(t, &r)
		}
	}
	s.leftovers(t)
	if len(s.Records) == 0 {
		t.line("There is no record: there is no key.")
	}
}

// fields writes a record in all forms that somebody may need.
func (s *Sheet) fields(t *text, r *Record) {
	t.line("  %s", hostLabel)
	t.line("    relative to zone    %s", r.Host.InZone)
	t.line("    absolute            %s", r.Host.Full)
	t.line("    absolute with dot   %s", r.Host.Dot)
	t.line("    relative to domain  %s%s", r.Host.InDomain, s.zoneOfItsOwn())
	t.line("  %s", r.valueLabel())
	if r.Was != "" {
		t.line("    old  %s", r.Was)
		t.line("    new  %s", r.Value)
	} else {
		t.line("    %s", r.Value)
	}
	if len(r.Strings) > 1 {
		t.line("  Value as strings of at most 255 characters; what joins them puts no blank in between")
		t.line("    %s", r.Quoted())
	}
	t.line("  TTL  %d", r.TTL)
}

// leftovers lists what DNS holds for keys that do not sign any more.
func (s *Sheet) leftovers(t *text) {
	for _, r := range s.With(Keep) {
		t.line("")
		t.line("Keep until %s: %s record at %s", Stamp(r.Until), r.Type, r.Host.Full)
		t.line("  mail under way still carries signatures of %s", r.Selector)
	}
	for _, r := range s.With(Remove) {
		t.line("")
		t.line("Safe to remove now: %s record at %s", r.Type, r.Host.Full)
	}
}
