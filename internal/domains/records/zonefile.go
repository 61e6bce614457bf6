package records

import (
	"strings"
	"time"
)

// zoneFile writes lines for the zone of a row (RFC 1035 section 5). Between
// quotes a semicolon needs no backslash.
func zoneFile(t *text, s *Sheet) {
	if s.Zone.Guessed {
		t.line("; %s", s.where())
	}
	t.line("$ORIGIN %s.", s.Zone.Name)
	for _, r := range s.Records {
		switch r.Action {
		case Remove:
			t.line("; safe to remove: %s %s", r.Host.InZone, r.Type)
			continue
		case Keep:
			t.line("; keep until %s (retiring)", r.Until.UTC().Format(time.DateOnly))
		case Revoke:
			t.line("; the key is compromised: no other text may stand at this name")
		case Publish, Stay:
			t.line("; %s", r.comment())
			if r.Was != "" {
				t.line("; instead of %s", r.Was)
			}
		}
		if r.Type == "CNAME" {
			t.line("%s %d IN CNAME %s", r.Host.InZone, r.TTL, r.Value)
			continue
		}
		lines := quoted(readable(r.Value))
		t.line("%s %d IN TXT ( %s )", r.Host.InZone, r.TTL, strings.Join(lines, "\n\t"))
	}
}

func (r *Record) comment() string {
	if r.Print == "" {
		return "for the next key"
	}
	return "key " + r.Print + "  " + r.describeKind() + "  state " + string(r.State) + "  generated " + r.CreatedAt.UTC().Format(time.RFC3339)
}

func (r *Record) describeKind() string {
	kind, _, _ := strings.Cut(r.describe(), ", ")
	return strings.ReplaceAll(kind, " ", "-")
}

// readable cuts a text before p= and every 200 octets, well within the 255 of a
// string. A verifier joins the strings with nothing in between.
func readable(value string) []string {
	const width = 200
	var out []string
	if i := strings.Index(value, "p="); i > 0 {
		out, value = append(out, value[:i]), value[i:]
	}
	for len(value) > width {
		out, value = append(out, value[:width]), value[width:]
	}
	return append(out, value)
}
