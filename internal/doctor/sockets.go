package doctor

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"path/filepath"
	"syscall"

	"github.com/postseal/postseal/internal/access"
	"github.com/postseal/postseal/milter"
)

// sockets judges what answers where we should listen, and whether the MTA gets there.
func (e *examination) sockets() {
	for _, l := range e.listeners() {
		if !l.known {
			e.raise("listener-unknown", texts{"wanted": l.Address})
			continue
		}
		e.answers(l)
		e.exposure(l)
		if l.at.Network == "unix" {
			e.reachable(l)
		}
	}
}

// answers: something has to listen, speak the protocol, and be us.
func (e *examination) answers(l listener) {
	at := l.at.connectable()
	s, tried := e.Sockets[at]
	if !tried {
		return
	}
	t := texts{"address": l.Address, "program": s.Program, "file": e.configPath(), "unit": e.unitState()}
	if s.Err != nil {
		t["error"] = s.Err.Error()
	}
	switch {
	case s.Reached && s.Program != "" && s.Program != serviceName:
		e.raise("other-program", t)
	case errors.Is(s.Err, errNoMilter):
		t["program"] = "what answers"
		e.raise("other-program", t)
	case errors.Is(s.Err, fs.ErrPermission):
		e.raise("not-seen", texts{"what": l.Address, "error": s.Err.Error()})
	case errors.Is(s.Err, fs.ErrNotExist), errors.Is(s.Err, syscall.ECONNREFUSED), s.Err != nil:
		e.raise("not-answering", t)
	case l.signs() && s.Answer.Actions&milter.ActAddHeader == 0:
		t["program"] = "a milter that does not want to add header fields"
		e.raise("other-program", t)
	}
}

// exposure: the protocol knows no password.
func (e *examination) exposure(l listener) {
	if l.at.Network == "unix" {
		return
	}
	host, port, err := net.SplitHostPort(l.at.Address)
	addr, addrErr := netip.ParseAddr(host)
	switch {
	case err != nil || addrErr != nil:
	case !addr.IsLoopback():
		e.raise("listener-open", texts{"address": l.Address, "file": e.configPath(), "port": port})
	case len(e.Shells) > 0 && e.Postfix != nil && l.signs():
		e.raise("socket-tighter", texts{"address": l.Address, "users": list(e.Shells), "file": e.configPath(), "queue": e.Postfix.queue(), "dir": e.Postfix.Dir})
	}
}

// reachable computes what the modes let the MTA's user do.
func (e *examination) reachable(l listener) {
	nodes := e.Sockets[l.at].Nodes
	for _, name := range e.mtaUsers() {
		id := e.Users[name]
		if id == nil || len(nodes) == 0 {
			continue
		}
		n, known := id.Blocked(nodes, access.Write)
		if n == nil || !known {
			continue
		}
		t := texts{"user": name, "address": l.Address, "node": n.Describe(), "file": e.configPath(), "path": n.Path}
		if n.Path == nodes[len(nodes)-1].Path {
			e.raise("socket-denied", t)
		} else {
			e.raise("directory-denied", t)
		}
	}
}

// mtaUsers are the users that connect to milters.
func (f *Facts) mtaUsers() (names []string) {
	if f.Postfix != nil && f.Postfix.Params["mail_owner"] != "" {
		names = append(names, f.Postfix.Params["mail_owner"])
	}
	if f.Sendmail != nil {
		names = append(names, f.Sendmail.user())
	}
	return names
}

// outsideChroot: the service looks for the path below the queue directory.
func (e *examination) outsideChroot(p *Postfix, m Milter, l *listener) {
	e.raise("socket-outside-chroot", texts{
		"milter": m.Text, "seen": filepath.Join(p.queue(), m.Address), "address": l.Address, "queue": p.queue(),
		"file": e.configPath(), "dir": p.Dir,
	})
}

func (e *examination) unitState() string {
	if e.Unit == nil || !e.Unit.Loaded {
		return ""
	}
	return "; systemd says that " + serviceName + ".service is " + e.Unit.Active
}

func (f *Facts) configPath() string { return f.Ours.Config.Path }
