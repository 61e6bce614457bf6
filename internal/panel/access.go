package panel

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postseal/postseal/internal/domains"
)

// Access says who may come in. At least one way has to be there.
type Access struct {
	TokenFile    string // for the log-in form; see ParseTokens
	APITokenFile string // for the API; empty: there is no API

	// A proxy in front may name the person in a header, and the tenant in another. That
	// is believed on a unix socket and from Proxies.
	UserHeader   string
	TenantHeader string
	Operators    []string // users without a tenant who may do everything; "*" is all
	Proxies      []netip.Prefix
}

// Identity is who asks.
type Identity struct {
	Name   string
	Tenant string // empty: the operator
}

// Operator may do everything that the command line can do with domains and users.
func (i Identity) Operator() bool { return i.Tenant == "" }

// maxTenantRows bounds what one tenant can have us keep and look after.
const maxTenantRows = 10_000

// room refuses another row of a tenant that has too many.
func (p *Panel) room(ctx context.Context, who Identity, service *domains.Service) error {
	if who.Operator() {
		return nil
	}
	n, err := service.Count(ctx, maxTenantRows)
	if err == nil && n >= maxTenantRows {
		err = &Problem{http.StatusConflict, "too-many-domains", "there are " + itoa(n) + " domains already, which is all that a tenant can have", "delete some, or ask whoever runs this mail server"}
	}
	return err
}

// access is Access at work.
type access struct {
	Access
	login, api *tokenFile
	attempts   *attempts
}

func newAccess(a Access, now func() time.Time) (access, error) {
	if a.TokenFile == "" && a.UserHeader == "" && a.APITokenFile == "" {
		return access{}, errors.New("nobody could log in: name a token file, or the header in which a proxy names the user")
	}
	out := access{Access: a, attempts: newAttempts(now)}
	if a.TokenFile != "" {
		out.login = &tokenFile{path: a.TokenFile}
	}
	if a.APITokenFile != "" {
		out.api = &tokenFile{path: a.APITokenFile}
	}
	return out, nil
}

// byProxy is who the proxy says it is; nil where no proxy says anything.
func (a *access) byProxy(r *http.Request) (*Identity, error) {
	if a.UserHeader == "" || !a.fromProxy(r) {
		return nil, nil
	}
	name, err := oneHeader(r, a.UserHeader)
	if err != nil || name == "" {
		return nil, err
	}
	id := Identity{Name: name}
	if a.TenantHeader != "" {
		if id.Tenant, err = oneHeader(r, a.TenantHeader); err != nil {
			return nil, err
		}
	}
	if id.Operator() && !slices.Contains(a.Operators, "*") && !slices.Contains(a.Operators, name) {
		return nil, &Problem{http.StatusForbidden, "no-tenant", name + " belongs to no tenant and is no operator", "the proxy has to send the tenant, or panel.operators to name the user"}
	}
	return &id, nil
}

// oneHeader reads a header that the proxy sets. One that is there twice was not set by the
// proxy alone.
func oneHeader(r *http.Request, name string) (string, error) {
	values := r.Header.Values(name)
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 || !isName(values[0]) && values[0] != "" {
		return "", &Problem{http.StatusBadRequest, "bad-proxy-header", "the header " + name + " cannot be believed: it is there twice, or holds no name", "the proxy has to set it, and to remove what the client sent"}
	}
	return values[0], nil
}

// maxName bounds the names of people and tenants, which stand in every line of the journal.
const maxName = 64

// isName takes what can stand in the journal without being mistaken for something else.
func isName(s string) bool {
	return s != "" && len(s) <= maxName && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7f || r == ':' || r == '"' || r == '<' || r == '>'
	})
}

// fromProxy: the request came over a unix socket or from a listed network.
func (a *access) fromProxy(r *http.Request) bool {
	if overUnix(r) {
		return true
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && slices.ContainsFunc(a.Proxies, func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) })
}

// source is whom attempts are counted for: an address, or the network that somebody has
// for himself in IPv6.
func (a *access) source(r *http.Request) string {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	ip := peer.Addr().Unmap()
	if forwarded := r.Header.Values("X-Forwarded-For"); len(forwarded) > 0 && a.fromProxy(r) {
		last := forwarded[len(forwarded)-1]
		last = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
		if client, err := netip.ParseAddr(last); err == nil {
			ip = client.Unmap()
		}
	}
	if ip.Is6() {
		net, _ := ip.WithZone("").Prefix(64) // fits every IPv6 address
		return net.String()
	}
	return ip.String()
}
