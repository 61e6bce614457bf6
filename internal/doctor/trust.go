package doctor

import (
	"net/netip"
	"slices"
	"strings"
)

// trust compares whom Postfix trusts with whom we do.
func (e *examination) trust(p *Postfix) {
	if !e.signs() {
		return
	}
	e.daemonNames(p)
	e.networks(p)
	if hosts := p.Params["smtpd_authorized_xforward_hosts"]; hosts != "" {
		e.gateways(p, hosts)
	}
}

// daemonNames: mail that comes in where Postfix says {daemon_name} = ORIGINATING is signed, whoever sends it.
func (e *examination) daemonNames(p *Postfix) {
	trusted := e.Ours.Config.Sign.TrustedDaemons
	for _, s := range p.smtpd() {
		name := p.of(s, "milter_macro_daemon_name")
		_, own := s.Own["milter_macro_daemon_name"]
		switch {
		case slices.Contains(trusted, name) && s.public():
			e.raise("strangers-trusted", texts{"service": s.String(), "name": name, "dir": p.Dir})
		case own && !s.public() && !slices.Contains(trusted, name) && name != p.Params["myhostname"]:
			e.raise("daemon-name-unknown", texts{"service": s.String(), "name": name, "dir": p.Dir, "line": tomlList("trusted_daemons", append(slices.Clone(trusted), name))})
		}
	}
}

// networks compares mynetworks, where main.cf has it, with trusted_networks; the loopback networks are this host.
func (e *examination) networks(p *Postfix) {
	theirs, whole := prefixes(fields(p.Params["mynetworks"]))
	ours, _ := prefixes(e.Ours.Config.Sign.TrustedNetworks)
	within := func(n netip.Prefix, list []netip.Prefix) bool {
		return n.Addr().IsLoopback() || slices.ContainsFunc(list, func(o netip.Prefix) bool { return o.Bits() <= n.Bits() && o.Contains(n.Addr()) })
	}
	var wide, missing []string
	for _, n := range ours {
		if whole && !within(n, theirs) {
			wide = append(wide, n.String())
		}
	}
	for _, n := range theirs {
		if p.Set["mynetworks"] && !within(n, ours) {
			missing = append(missing, n.String())
		}
	}
	if len(wide) > 0 {
		e.raise("networks-wide", texts{"networks": list(wide), "theirs": p.Params["mynetworks"], "dir": p.Dir})
	}
	if len(missing) > 0 {
		e.raise("networks-unsigned", texts{
			"networks": list(missing), "dir": p.Dir,
			"line": tomlList("trusted_networks", slices.Concat(e.Ours.Config.Sign.TrustedNetworks, missing)),
		})
	}
}

// prefixes reads networks; whole is false if an entry is something else, such as a table. An IPv4 network in IPv6 form becomes plain.
func prefixes(entries []string) (all []netip.Prefix, whole bool) {
	whole = true
	for _, entry := range entries {
		entry = strings.NewReplacer("[", "", "]", "").Replace(entry)
		if !strings.Contains(entry, "/") {
			if addr, err := netip.ParseAddr(entry); err == nil {
				all = append(all, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
				continue
			}
		}
		n, err := netip.ParsePrefix(entry)
		if err != nil {
			whole = false
			continue
		}
		if n.Addr().Is4In6() && n.Bits() >= 96 {
			n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
		}
		all = append(all, n.Masked())
	}
	return all, whole
}

// gateways: hosts that hand on other people's mail (XFORWARD) and are trusted have that mail signed.
func (e *examination) gateways(p *Postfix, hosts string) {
	ours, _ := prefixes(e.Ours.Config.Sign.TrustedNetworks)
	gates, _ := prefixes(fields(hosts))
	var found []string
	for _, g := range gates {
		if !g.Addr().IsLoopback() && slices.ContainsFunc(ours, func(o netip.Prefix) bool { return o.Overlaps(g) }) {
			found = append(found, g.String())
		}
	}
	if len(found) > 0 {
		e.raise("gateway-trusted", texts{"hosts": list(found), "dir": p.Dir})
	}
}

// reinjection: what a content filter hands back comes from 127.0.0.1, which is trusted. It was seen before, and if it came from outside it
// would leave with our signature.
func (e *examination) reinjection(p *Postfix) {
	filter := p.Params["content_filter"]
	for _, s := range p.smtpd() {
		if own := p.of(s, "content_filter"); own != "" {
			filter = own
		}
		if own := p.of(s, "smtpd_proxy_filter"); own != "" {
			filter = own
		}
	}
	if filter == "" {
		return
	}
	for _, s := range p.smtpd() {
		if !s.local() {
			continue
		}
		for _, m := range p.milters(s) {
			if l, _ := e.ours(m, s.Chroot, p.queue()); l != nil {
				severity := Warning
				if l.signs() && e.trustsLoopback() {
					severity = Error
				}
				e.raiseAs("reinjection", severity, texts{"service": s.String(), "filter": filter, "dir": p.Dir})
			}
		}
	}
}

func (e *examination) trustsLoopback() bool {
	ours, _ := prefixes(e.Ours.Config.Sign.TrustedNetworks)
	return slices.ContainsFunc(ours, func(n netip.Prefix) bool { return n.Contains(netip.MustParseAddr("127.0.0.1")) })
}

// tomlList is a line of postseal.toml.
func tomlList(key string, values []string) string {
	return key + ` = ["` + strings.Join(values, `", "`) + `"]`
}
