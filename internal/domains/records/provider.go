package records

import (
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"
)

//go:embed providers.toml
var providersFile string

// Provider is a row of providers.toml: how the form of a DNS provider looks.
type Provider struct {
	Name    string   `toml:"name" json:"name"`
	Servers []string `toml:"servers" json:"-"` // patterns of its name servers
	Form    Form     `toml:"form" json:"form"`
	Host    string   `toml:"host" json:"host"`                  // what its form calls the host
	Value   string   `toml:"value" json:"value"`                // … the value of a TXT record
	Target  string   `toml:"target" json:"target"`              // … the target of a CNAME record
	Note    string   `toml:"note" json:"note,omitempty"`        // what else to mind
	Source  string   `toml:"source" json:"source,omitempty"`    // where that is from; empty: no evidence
	Date    string   `toml:"date" json:"source_date,omitempty"` // when it was read
}

// Form is the form of a name that a host field wants.
type Form string

// The forms; "" is not known.
const (
	InZone Form = "zone"
	Full   Form = "full"
	Dot    Form = "dot"
)

// In gives the name in a form; that relative to the zone is what most want.
func (h Host) In(f Form) string {
	switch f {
	case Full:
		return h.Full
	case Dot:
		return h.Dot
	}
	return h.InZone
}

// providers reads the file, which is part of the program.
var providers = sync.OnceValue(func() []Provider {
	var file struct {
		Provider []Provider `toml:"provider"`
	}
	if _, err := toml.Decode(providersFile, &file); err != nil {
		panic(fmt.Sprintf("providers.toml: %v", err))
	}
	return file.Provider
})

// Providers returns all that are known.
func Providers() []Provider { return slices.Clone(providers()) }

// ProviderOf tells whose name servers these are. It is nil where that is not
// known, or where they are of several.
func ProviderOf(nameServers []string) *Provider {
	var found *Provider
	for _, server := range nameServers {
		p := byServer(strings.ToLower(strings.TrimSuffix(server, ".")))
		if p == nil || found != nil && found != p {
			return nil
		}
		found = p
	}
	return found
}

func byServer(server string) *Provider {
	for i, p := range providers() {
		for _, pattern := range p.Servers {
			if ok, err := path.Match(pattern, server); err == nil && ok {
				return &providers()[i]
			}
		}
	}
	return nil
}
