package daemon

import (
	"context"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/sources"
	"github.com/postseal/postseal/internal/panel"
)

// maxVisitors of the panel may be connected; further ones wait.
const maxVisitors = 64

// openPanel opens the listener of [panel].
func (d *Daemon) openPanel(cfg *config.Config) {
	if cfg.Panel.Listen == "" || d.store == nil {
		return
	}
	handler, err := panel.New(d.panelOptions(cfg))
	if err != nil {
		d.log.Error("the panel is not served", "error", err)
		return
	}
	d.addSideDoor(&sideDoor{
		key: "panel.listen", where: cfg.Panel.Listen, server: panel.NewServer(handler, d.log), most: maxVisitors,
		socket: config.Listener{SocketOwner: cfg.Panel.SocketOwner, SocketGroup: cfg.Panel.SocketGroup, SocketMode: cfg.Panel.SocketMode},
	})
}

func (d *Daemon) panelOptions(cfg *config.Config) panel.Options {
	p, opened := cfg.Panel, d.store.opened
	access := panel.Access{
		TokenFile: p.TokenFile, APITokenFile: p.APITokenFile, UserHeader: p.UserHeader, TenantHeader: p.TenantHeader, Operators: p.Operators,
	}
	for _, text := range p.Proxies {
		network, _ := config.ParseProxy(text) // judged by config
		access.Proxies = append(access.Proxies, network)
	}
	return panel.Options{
		Service: opened.Service, Access: access, Defaults: addDefaults(cfg.Domains), KeyZone: cfg.KeyZone.Name != "", PublicURL: p.PublicURL, Log: d.log,
		Sources: func(ctx context.Context) []domains.Sighting {
			var found []domains.Sighting
			for _, r := range sources.Read(ctx, sources.Host{}, cfg.Domains.Candidates, time.Now()) {
				found = append(found, r.Domains...)
			}
			return found
		},
		Find: func(ctx context.Context, domain string) (string, []string, error) {
			zone, err := opened.Locate(ctx, domain)
			return zone.Name, zone.NameServers, err
		},
	}
}

// addDefaults are what [domains] gives a new domain.
func addDefaults(d config.Domains) domains.AddRequest {
	r := domains.AddRequest{Activation: domains.Activation(d.Activation), Bits: int(d.Bits)}
	for _, name := range d.Algorithms {
		r.Algorithms = append(r.Algorithms, map[string]dkim.Algorithm{"rsa": dkim.RSASHA256, "ed25519": dkim.Ed25519SHA256}[name])
	}
	return r
}

// panel finds what would keep the panel's socket from its owner.
func (b *builder) panel() {
	p := b.cfg.Panel
	if _, _, err := ownerIDs(p.SocketOwner, p.SocketGroup); err != nil {
		b.report("panel", err)
	}
}
