package records

import (
	"fmt"
	"strings"
	"time"
)

// Stamp is a time for people.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// describe names the key of a record: "rsa 2048 bit, pending, SHA256:9f3c2a51…".
func (r *Record) describe() string {
	parts := []string{}
	switch {
	case r.Bits > 0 && r.Algorithm == "rsa":
		parts = append(parts, fmt.Sprintf("rsa %d bit", r.Bits))
	case r.Print != "":
		parts = append(parts, r.Algorithm)
	}
	if r.State != "" {
		parts = append(parts, string(r.State))
	}
	if r.Print != "" {
		const shown = len("SHA256:") + 16
		parts = append(parts, r.Print[:min(shown, len(r.Print))]+"…")
	}
	if len(parts) == 0 {
		return "for the next key"
	}
	return strings.Join(parts, ", ")
}

// Labels of the two fields.
const (
	hostLabel   = "Host (sometimes called Name)"
	valueLabel  = "Value"
	targetLabel = "Points to"
)

func (r *Record) valueLabel() string {
	if r.Type == "CNAME" {
		return targetLabel
	}
	return valueLabel
}

// Quoted are the strings of a TXT record as a zone file has them, on one line.
func (r *Record) Quoted() string { return strings.Join(quoted(r.Strings), " ") }

func quoted(parts []string) []string {
	out := make([]string, len(parts))
	for i, s := range parts {
		out[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	return out
}

// where tells about the zone, in a sentence.
func (s *Sheet) where() string {
	switch {
	case s.Zone.Guessed:
		return fmt.Sprintf("The zone could not be looked up (%s); %s is a guess.", s.Zone.Why, Both(s.Zone.Name))
	case len(s.Zone.NameServers) == 0:
		return fmt.Sprintf("The zone is %s.", Both(s.Zone.Name))
	}
	text := fmt.Sprintf("The zone is %s, at %s", Both(s.Zone.Name), strings.Join(s.Zone.NameServers, ", "))
	if s.Provider != nil {
		text += ": " + s.Provider.Name
	}
	return text + "."
}

// whichForm says which form of the host to enter (KAR-17, KAR-18).
func (s *Sheet) whichForm(h Host) string {
	if s.Provider == nil || s.Provider.Form == "" {
		return "Some providers take the full name, others add " + s.Zone.Name + " by themselves: then enter only " + h.InZone +
			". Not sure which? Ask your provider."
	}
	return s.Provider.Name + " wants it like this: " + h.In(s.Provider.Form)
}

// zoneOfItsOwn is added to the form relative to a domain that is no zone.
func (s *Sheet) zoneOfItsOwn() string {
	if s.Domain == s.Zone.Name {
		return ""
	}
	return "  (only where " + s.Domain + " is a zone of its own)"
}
