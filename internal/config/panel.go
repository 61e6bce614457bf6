package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Panel is the [panel] table: the control panel and its API, and who may come in.
type Panel struct {
	Listen        string `toml:"listen"`          // see ParseHTTPAddress; "" is off
	OpenToNetwork string `toml:"open_to_network"` // why it may listen where other hosts reach it
	SocketOwner   string `toml:"socket_owner"`    // of a unix socket; "" leaves it
	SocketGroup   string `toml:"socket_group"`
	SocketMode    string `toml:"socket_mode"` // octal

	PublicURL    string `toml:"public_url"`     // under which people reach it
	TokenFile    string `toml:"token_file"`     // of people
	APITokenFile string `toml:"api_token_file"` // of programs

	UserHeader   string   `toml:"user_header"`   // in which a proxy names the person
	TenantHeader string   `toml:"tenant_header"` // … and the tenant
	Operators    []string `toml:"operators"`     // users of the proxy without a tenant who may do everything
	Proxies      []string `toml:"proxies"`       // networks whose headers are believed, beside a unix socket
}

func (v *validator) panel(p Panel) {
	if p.Listen == "" {
		return
	}
	network, address, err := ParseHTTPAddress(p.Listen)
	switch {
	case err != nil:
		v.report("panel.listen", "for example unix:/run/postseal/panel.sock or 127.0.0.1:8090", "%v", err)
	case !onlyThisHost(address) && p.OpenToNetwork == "":
		v.report("panel.listen", "listen on unix:/run/postseal/panel.sock or 127.0.0.1 behind a web server with TLS; or say in panel.open_to_network why not",
			"other hosts reach %s, and tokens would cross the network in the clear", p.Listen)
	case network != "unix" && (p.SocketOwner != "" || p.SocketGroup != ""):
		v.report("panel", "", "socket_owner and socket_group are for unix sockets")
	}
	if _, err := ParseMode(p.SocketMode); err != nil {
		v.report("panel.socket_mode", `for example "0660"`, "%v", err)
	}
	if v.cfg.Store.URL == "" {
		v.report("panel.listen", `set [store] url, for example "sqlite:/var/lib/postseal/postseal.db"`, "the panel shows what the store has, and none is configured")
	}
	v.publicURL(p.PublicURL)
	v.proxy(p, network)
	if p.TokenFile == "" && p.APITokenFile == "" && p.UserHeader == "" {
		v.report("panel.token_file", "name a file with tokens, or user_header behind a proxy that logs people in", "nobody could come in")
	}
}

func (v *validator) publicURL(text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		v.report("panel.public_url", "for example https://mail.example.net or https://mail.example.net/dkim", "%q is no address of a web page", text)
	}
}

// proxy judges who is believed to say who somebody is.
func (v *validator) proxy(p Panel, network string) {
	for key, header := range map[string]string{"panel.user_header": p.UserHeader, "panel.tenant_header": p.TenantHeader} {
		if strings.ContainsFunc(header, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("()<>@,;:\\\"/[]?={}", r) }) {
			v.report(key, "for example X-Remote-User", "%q is no name of a header field", header)
		}
	}
	for _, p := range p.Proxies {
		if _, err := ParseProxy(p); err != nil {
			v.report("panel.proxies", "for example 127.0.0.1 or 10.0.0.0/24", "%v", err)
		}
	}
	switch {
	case p.UserHeader == "" && (p.TenantHeader != "" || len(p.Operators) > 0):
		v.report("panel.user_header", "name the header in which the proxy says who it is", "is empty, and tenant_header and operators need it")
	case p.UserHeader != "" && p.TenantHeader == "" && len(p.Operators) == 0:
		v.report("panel.operators", `name them, or say operators = ["*"] for all who come by the proxy`, "whoever the proxy lets in has no tenant and would be nobody")
	case p.UserHeader != "" && network == "tcp" && len(p.Proxies) == 0:
		v.report("panel.proxies", "name the proxy's address; better, listen on a unix socket", "is empty, so nobody's %s would be believed", p.UserHeader)
	}
}

// ParseProxy reads an address or a network.
func ParseProxy(text string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return network, fmt.Errorf("%q is no address and no network", text)
	}
	return network, nil
}

// panelWarnings are about a panel that works and is more open than it may seem.
func (c *Config) panelWarnings() (all Problems) {
	network, address, err := ParseHTTPAddress(c.Panel.Listen)
	if err != nil {
		return nil
	}
	if !onlyThisHost(address) {
		all = append(all, c.Problem("panel.listen", "put a web server with TLS in front of it", "other hosts reach %s (%s): tokens cross the network in the clear", c.Panel.Listen, c.Panel.OpenToNetwork))
	}
	if network == "tcp" && c.Panel.UserHeader != "" {
		all = append(all, c.Problem("panel.user_header", "listen on a unix socket that only the web server may use",
			"whoever can run programs on a host of panel.proxies reaches %s too, and is believed to be whom it says", c.Panel.Listen))
	}
	return all
}
