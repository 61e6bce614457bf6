package config

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Driver is one [[driver]] row: what writes records into DNS in the place of a person.
type Driver struct {
	Name    string   `toml:"name"`  // by which domains and [key_zone] call it
	Type    string   `toml:"type"`  // rfc2136 | zonefile | exec
	Zones   []string `toml:"zones"` // apexes of the zones that it may write
	Timeout Duration `toml:"timeout"`

	Server     string `toml:"server"`     // rfc2136: HOST:PORT of the primary name server
	KeyFile    string `toml:"key_file"`   // … TSIG key, as tsig-keygen writes it, or the secret alone
	Credential string `toml:"credential"` // … systemd credential with it, instead of the file
	Key        string `toml:"key"`        // … name of the key; "": the only one of the file
	Algorithm  string `toml:"algorithm"`  // … "": that of the file, or hmac-sha256
	TCP        bool   `toml:"tcp"`

	Path    string   `toml:"path"`     // zonefile: zone file, or a fragment that one includes; % is the zone
	SOAFile string   `toml:"soa_file"` // … file with the SOA record, if it is not Path
	Reload  []string `toml:"reload"`   // … program that loads the zone, with arguments

	Command []string `toml:"command"` // exec: program, with arguments
}

// DefaultDriver is what a [[driver]] row starts from.
func DefaultDriver() Driver { return Driver{TCP: true, Timeout: Duration(30 * time.Second)} }

// tsigAlgorithms may be configured; internal/dns/update has them.
var tsigAlgorithms = []string{"", "hmac-sha256", "hmac-sha512", "hmac-sha384", "hmac-sha224", "hmac-sha1"}

func (v *validator) drivers(c *Config) {
	for i, d := range c.Drivers {
		key := fmt.Sprintf("driver[%d]", i)
		if d.Name == "" || strings.Trim(d.Name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" || len(d.Name) > 40 {
			v.report(key+".name", `for example name = "ns1"`, "%q is no name of a driver: want lower-case letters, digits and hyphens", d.Name)
		} else if slices.ContainsFunc(c.Drivers[:i], func(o Driver) bool { return o.Name == d.Name }) {
			v.report(key+".name", "", "another driver is called %s", d.Name)
		}
		v.driver(key, &d)
	}
	if name := c.KeyZone.Driver; name != "" && c.KeyZone.Name != "" {
		at := slices.IndexFunc(c.Drivers, func(d Driver) bool { return d.Name == name })
		switch {
		case at < 0:
			v.report("key_zone.driver", "name a [[driver]]", "there is no driver %q", name)
		case !slices.Contains(c.Drivers[at].Zones, c.KeyZone.Name):
			v.report("key_zone.driver", fmt.Sprintf("add %q to zones of the driver", c.KeyZone.Name), "the driver %s may not write the key zone", name)
		}
	}
}

func (v *validator) driver(key string, d *Driver) {
	if len(d.Zones) == 0 {
		v.report(key+".zones", `for example zones = ["example.com"]`, "the driver may write no zone")
	}
	for i, z := range d.Zones {
		v.zoneName(key+".zones", z)
		if slices.Contains(d.Zones[:i], z) {
			v.report(key+".zones", "", "%s stands there twice", z)
		}
	}
	if d.Timeout < Duration(time.Second) || d.Timeout > Duration(time.Minute) {
		v.report(key+".timeout", "", "must be 1s to 1m")
	}
	switch d.Type {
	case "rfc2136":
		v.rfc2136(key, d)
	case "zonefile":
		v.zoneFile(key, d)
	case "exec":
		v.program(key+".command", d.Command)
	default:
		v.oneOf(key+".type", d.Type, "rfc2136", "zonefile", "exec")
		return
	}
	for _, o := range d.options() {
		if o.given && o.of != d.Type {
			v.report(key+"."+o.name, "remove it", "is for drivers of type %s", o.of)
		}
	}
}

// options are those of one type.
func (d *Driver) options() []driverOption {
	return []driverOption{
		{"server", "rfc2136", d.Server != ""},
		{"key_file", "rfc2136", d.KeyFile != ""},
		{"credential", "rfc2136", d.Credential != ""},
		{"key", "rfc2136", d.Key != ""},
		{"algorithm", "rfc2136", d.Algorithm != ""},
		{"tcp", "rfc2136", !d.TCP},
		{"path", "zonefile", d.Path != ""},
		{"soa_file", "zonefile", d.SOAFile != ""},
		{"reload", "zonefile", len(d.Reload) > 0},
		{"command", "exec", len(d.Command) > 0},
	}
}

type driverOption struct {
	name, of string
	given    bool
}

func (v *validator) rfc2136(key string, d *Driver) {
	host, port, err := net.SplitHostPort(d.Server)
	if n, portErr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || portErr != nil || n == 0 {
		v.report(key+".server", `HOST:PORT of the primary name server, such as "192.0.2.53:53"`, "%q is no address of a server", d.Server)
	}
	switch {
	case d.KeyFile == "" && d.Credential == "":
		v.report(key+".key_file", "a file that tsig-keygen made; the server has the same key", "the updates would not be signed")
	case d.KeyFile != "" && d.Credential != "":
		v.report(key+".credential", "say one of the two", "the key cannot come from a file and from a credential")
	case d.KeyFile != "" && !filepath.IsAbs(d.KeyFile):
		v.report(key+".key_file", "", "%q: the path must be absolute", d.KeyFile)
	}
	v.oneOf(key+".algorithm", d.Algorithm, tsigAlgorithms...)
}

func (v *validator) zoneFile(key string, d *Driver) {
	for _, o := range []struct{ name, path string }{{"path", d.Path}, {"soa_file", d.SOAFile}} {
		switch {
		case o.path == "" && o.name == "soa_file":
		case !filepath.IsAbs(o.path):
			v.report(key+"."+o.name, `such as "/var/lib/bind/%.zone"`, "%q: the path must be absolute", o.path)
		case len(d.Zones) > 1 && !strings.Contains(o.path, "%"):
			v.report(key+"."+o.name, "write % where the name of the zone stands, or a [[driver]] for each zone", "the driver has %d zones and one file", len(d.Zones))
		}
	}
	if d.SOAFile != "" && d.SOAFile == d.Path {
		v.report(key+".soa_file", "remove it", "is the same file as path")
	}
	if len(d.Reload) > 0 {
		v.program(key+".reload", d.Reload)
	}
}

func (v *validator) program(key string, command []string) {
	if len(command) == 0 || !filepath.IsAbs(command[0]) {
		v.report(key, `such as ["/usr/sbin/rndc", "reload", "%"]`, "the path of the program must be absolute; its arguments are texts of their own")
	}
}
