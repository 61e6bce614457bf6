package config

import (
	"fmt"
	"slices"
	"strings"
)

// KeyZone is the [key_zone] table: the zone of the operator that customers' CNAME
// records point into.
type KeyZone struct {
	Name         string   `toml:"name"`          // its apex; "": no CNAME modes
	SharedTarget string   `toml:"shared_target"` // inside of it; "": dkim. and Name
	Former       []string `toml:"former"`        // names that the two had before
	Driver       string   `toml:"driver"`        // name of the [[driver]] that writes the zone; "": a person does
	NameServers  []string `toml:"name_servers"`  // of the zone: host names
	Hostmaster   string   `toml:"hostmaster"`    // address of who is responsible; "": hostmaster@ and Name
}

// Shared is the target of all domains with a shared key.
func (z *KeyZone) Shared() string {
	if z.SharedTarget != "" {
		return z.SharedTarget
	}
	return "dkim." + z.Name
}

// maxZoneName leaves room for the longest selector and domain label in front, within the
// 253 octets of a name.
const maxZoneName = 120

func (v *validator) keyZone(z KeyZone) {
	if z.Name == "" {
		if z.SharedTarget != "" || z.Driver != "" {
			v.report("key_zone.name", "name the zone that customers' CNAME records point into", "is empty, and other options of [key_zone] need it")
		}
		return
	}
	v.zoneName("key_zone.name", z.Name)
	if z.SharedTarget != "" {
		v.zoneName("key_zone.shared_target", z.SharedTarget)
		if !below(z.SharedTarget, z.Name) {
			v.report("key_zone.shared_target", "the default is dkim."+z.Name, "%s is not below the key zone %s, and postseal could not write it", z.SharedTarget, z.Name)
		}
	}
	for i, f := range z.Former {
		v.zoneName("key_zone.former", f)
		if f == z.Name || f == z.Shared() {
			v.report("key_zone.former", "name what it was called before", "%s is its present name", f)
		} else if slices.Contains(z.Former[:i], f) {
			v.report("key_zone.former", "", "%s stands there twice", f)
		}
	}
	for _, s := range z.NameServers {
		v.zoneName("key_zone.name_servers", s)
		if below(s, z.Name) {
			v.report("key_zone.name_servers", "use names of another zone", "%s lies in the key zone, which holds nothing but keys: no address would be there", s)
		}
	}
	if local, domain, ok := strings.Cut(z.Hostmaster, "@"); z.Hostmaster != "" {
		if !ok || local == "" || strings.ContainsAny(local, " \"\\@") || checkName(domain) != nil {
			v.report("key_zone.hostmaster", "for example hostmaster@example.net", "%q is no address", z.Hostmaster)
		}
	}
}

func (v *validator) zoneName(key, name string) {
	if err := checkName(name); err != nil {
		v.report(key, "for example dkim.example.net, in lower case, without a dot at the end", "%v", err)
	}
}

// below tells whether a name lies in a zone, and is not its apex.
func below(name, zone string) bool { return strings.HasSuffix(name, "."+zone) }

// checkName judges a name of several labels of letters, digits and hyphens (RFC 1123
// section 2.1), in lower case.
func checkName(name string) error {
	labels := strings.Split(name, ".")
	if len(labels) < 2 || len(name) > maxZoneName {
		return fmt.Errorf("%q is no domain name of two labels or more and %d characters at most", name, maxZoneName)
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return fmt.Errorf("%q is no domain name: see the label %q", name, l)
		}
	}
	return nil
}
