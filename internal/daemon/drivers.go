package daemon

import (
	"fmt"
	"strings"
	"time"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/drivers"
	"github.com/postseal/postseal/internal/domains/records"
)

// publishing makes what writes DNS.
func publishing(cfg *config.Config) domains.Publishing {
	p := domains.Publishing{Drivers: map[string]domains.Driver{}, KeyZone: cfg.KeyZone.Driver, Delete: cfg.Domains.RevokeStyle == "delete"}
	if cfg.KeyZone.Name == "" {
		p.KeyZone = ""
	}
	for _, d := range cfg.Drivers {
		p.Drivers[d.Name] = domains.Driver{Zones: d.Zones, Writer: driver(cfg, d)}
	}
	return p
}

func driver(cfg *config.Config, d config.Driver) domains.DNSWriter {
	timeout := time.Duration(d.Timeout)
	switch d.Type {
	case "rfc2136":
		return &drivers.RFC2136{
			Server: d.Server, KeyFile: d.KeyFile, Credential: d.Credential, Key: d.Key, Algorithm: d.Algorithm, TCP: d.TCP, Timeout: timeout,
		}
	case "zonefile":
		return &drivers.ZoneFile{Path: d.Path, SOAFile: d.SOAFile, Reload: d.Reload, Timeout: timeout, Head: keyZoneHead(cfg)}
	}
	return &drivers.Exec{Command: d.Command, Timeout: timeout}
}

// keyZoneHead begins the file of the key zone.
func keyZoneHead(cfg *config.Config) func(zone string) string {
	return func(zone string) string {
		z := cfg.KeyZone
		if zone != z.Name || len(z.NameServers) == 0 {
			return ""
		}
		serial := uint32(time.Now().Unix()) // as `domain export --key-zone` has it
		return records.KeyZoneFile(records.ZoneHead{Zone: z.Name, NameServers: z.NameServers, Hostmaster: z.Hostmaster, Serial: serial}, nil)
	}
}

// driverOutages names drivers whose TSIG key cannot be read: their records wait, and
// nothing else does.
func (b *builder) driverOutages() {
	for i, d := range b.cfg.Drivers {
		if d.Type != "rfc2136" || d.Credential != "" {
			continue
		}
		probe := drivers.RFC2136{KeyFile: d.KeyFile, Key: d.Key, Algorithm: d.Algorithm}
		if err := probe.Ready(); err != nil {
			text := strings.TrimPrefix(err.Error(), "the TSIG key cannot be used: ")
			b.outages = append(b.outages, b.cfg.Problem(fmt.Sprintf("driver[%d].key_file", i), "", "the driver %s cannot sign its updates: %s", d.Name, text))
		}
	}
}
