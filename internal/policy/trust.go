package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/postseal/postseal/internal/netlist"
)

// Trust says whose mail is outgoing mail. Any one of its rules suffices.
type Trust struct {
	Networks *netlist.List
	Daemons  []string // values of {daemon_name}, compared as they are
	Macros   []MacroRule
}

// MacroRule trusts a message for which the MTA sent a macro, with any value or
// with one of Values (case-sensitive, as OpenDKIM's MacroList).
type MacroRule struct {
	Name   string // without braces
	Values []string
}

// ParseMacroRule reads "name" or "name=value|value".
func ParseMacroRule(s string) (MacroRule, error) {
	name, values, hasValues := strings.Cut(s, "=")
	name = strings.Trim(strings.TrimSpace(name), "{}")
	if name == "" || strings.ContainsAny(name, " \t{}") {
		return MacroRule{}, fmt.Errorf("%q does not name a macro", s)
	}
	rule := MacroRule{Name: name}
	if hasValues {
		rule.Values = strings.Split(values, "|")
	}
	return rule, nil
}

// MTAName is the macro's name as MTAs write it: in braces unless it is a letter.
func (r MacroRule) MTAName() string {
	if len(r.Name) == 1 {
		return r.Name
	}
	return "{" + r.Name + "}"
}

func (r MacroRule) matches(f *Facts) bool {
	value := f.MTAMacro(r.Name)
	if r.Values == nil {
		return value != ""
	}
	return value != "" && slices.Contains(r.Values, value)
}

// trusts says whether the message comes from somebody whose mail we sign, and
// by which rule.
func (t *Trust) trusts(f *Facts) (bool, string) {
	if f.Authenticated() {
		return true, "the client authenticated with " + f.AuthType
	}
	if f.Daemon != "" && slices.Contains(t.Daemons, f.Daemon) {
		return true, "{daemon_name} " + f.Daemon + " is in trusted_daemons"
	}
	for _, rule := range t.Macros {
		if rule.matches(f) {
			return true, "macro {" + rule.Name + "} is in trusted_macros"
		}
	}
	if !f.Client.Addr.IsValid() {
		return false, "the client's address is unknown"
	}
	if ok, entry := t.Networks.Contains(f.Client.Host, f.Client.Addr); ok {
		return true, "client is in trusted_networks by " + entry
	} else if entry != "" {
		return false, "client " + f.Client.Addr.String() + " is excepted from trusted_networks by " + entry
	}
	return false, "client " + f.Client.Addr.String() + " did not authenticate and is not in trusted_networks"
}
