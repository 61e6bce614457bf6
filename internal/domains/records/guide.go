package records

import "strings"

// guide writes the steps of a row in order, with both places where they happen
// (KAR-9).
func guide(t *text, s *Sheet) {
	wanted := s.With(Revoke, Publish)
	if len(wanted) == 0 {
		wanted = s.With(Stay)
	}
	if len(wanted) == 0 {
		table(t, s)
		return
	}
	t.line("In postseal")
	t.line("  1. Choose the domain you would like to authenticate: %s", Both(s.Name))
	if len(s.With(Publish, Revoke)) == 0 {
		t.line("     DNS has all of its records already; the steps show them again.")
	}
	t.line("")
	t.line("At your DNS provider")
	t.line("  %s", s.where())
	for i, r := range wanted {
		if len(wanted) > 1 {
			t.line("")
			t.line("  Record %d of %d", i+1, len(wanted))
		}
		s.steps(t, &r)
	}
	t.line("     Save the changes.")
	t.line("")
	t.line("In postseal")
	t.line("  4. When the records are saved, come back and verify:")
	t.line("       postseal domain verify %s", s.Name)
	t.line("     postseal also looks by itself; it can take hours, and up to 48 of them.")
	s.leftovers(t)
	t.line("")
	footer(t, wanted[0].Type)
}

// steps are what to do at the provider for one record.
func (s *Sheet) steps(t *text, r *Record) {
	switch {
	case r.Was != "":
		t.line("  2. Go to your DNS provider. Change the %s record that has the text below as the %s", r.Type, lower(hostLabel))
	case r.Action == Revoke:
		t.line("  2. AT ONCE: change the %s record with the text below as the %s", r.Type, lower(hostLabel))
	default:
		t.line("  2. Go to your DNS provider. Create a new %s record using the text below as the %s", r.Type, lower(hostLabel))
	}
	t.line("       %s", s.bestHost(r.Host))
	t.line("     %s", s.whichForm(r.Host))
	t.line("       in full:           %s", r.Host.Full)
	t.line("       with final dot:    %s", r.Host.Dot)
	t.line("       without the zone:  %s", r.Host.InZone)
	if r.Was != "" {
		t.line("  3. Replace the old value in your DNS %s", lower(r.valueLabel()))
		t.line("       old:  %s", r.Was)
		t.line("       new:  %s", r.Value)
	} else {
		t.line("  3. Copy and paste the following text into your DNS %s", lower(r.valueLabel()))
		t.line("       %s", r.Value)
	}
	if len(r.Strings) > 1 {
		t.line("     or, where strings of at most 255 characters are wanted:")
		t.line("       %s", r.Quoted())
	}
	s.example(t, r)
	if r.Type == "CNAME" {
		t.line("     Important: some DNS providers are not compatible with this method (a CNAME with an underscore).")
		t.line("     Then: postseal domain set %s --publish txt, which keeps the key.", s.Name)
	}
}

func lower(label string) string { return strings.ToLower(label[:1]) + label[1:] }

func (s *Sheet) bestHost(h Host) string {
	if s.Provider == nil {
		return h.InZone
	}
	return h.In(s.Provider.Form)
}

// example fills in the provider's own form (KAR-19).
func (s *Sheet) example(t *text, r *Record) {
	p := s.Provider
	if p == nil {
		return
	}
	label := p.Value
	if r.Type == "CNAME" {
		label = p.Target
	}
	t.line("     The form of %s, filled in:", p.Name)
	t.line("       %-14s %s", "Type", r.Type)
	t.line("       %-14s %s", p.Host, h(p, r))
	t.line("       %-14s %s", label, r.Value)
	t.line("       %-14s %d", "TTL", r.TTL)
	if p.Note != "" {
		t.line("     %s", p.Note)
	}
	if p.Source == "" {
		t.line("     (The names of the fields are from memory; yours may differ.)")
	}
}

func h(p *Provider, r *Record) string { return r.Host.In(p.Form) }

// footer is what holds for every provider (INF-20, KAR-22, KAR-23).
func footer(t *text, recordType string) {
	t.line("Steps and words vary by DNS provider. Host is also called Name or Alias; Value is also called")
	t.line("Points to, Target, Address, Data or Content. Ask your provider for help, or look in its knowledge")
	t.line("base for adding records in the %s format.", recordType)
	t.line("What all this is for: postseal help dkim")
}
