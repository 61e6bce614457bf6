package doctor

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/postseal/postseal/internal/access"
	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/dns/authority"
	"github.com/postseal/postseal/keytable"
)

// Checker checks the record of a key.
type Checker interface {
	Check(ctx context.Context, s check.Subject) check.Result
}

// Records asks a resolver.
type Records interface {
	Peek(ctx context.Context, name string, t authority.Type) authority.Answer
}

// Sources say where to look.
type Sources struct {
	Config   *config.Config
	Missing  bool             // Config is the default, since the file cannot be read
	Errs     []error          // what is wrong in the file
	Tables   *keytable.Tables // nil: they cannot be read
	Rows     []error          // rows that cannot work
	Weak     []error
	Postfix  string // directory of main.cf; "": none
	Sendmail string // path of sendmail.cf; "": none

	Only      string // look at this domain alone, and not at the host
	Selectors bool   // with Only: look for keys of others at known selectors
	Checker   Checker
	Records   Records // with Checker nil: DNS is not asked

	// Store opens the managed store for looking, once all else was looked at that needs
	// root. fs.ErrNotExist: there is none. Nil: none is configured.
	Store func(context.Context) (*Opened, error)
}

// Gather looks at everything.
func Gather(ctx context.Context, s Sources) *Facts {
	f := &Facts{
		Now: time.Now(), Sockets: map[Endpoint]Socket{}, Hosts: map[string][]netip.Addr{}, Links: map[string]string{}, Users: map[string]*access.User{},
		Ours: Ours{Config: s.Config, Missing: s.Missing, Errs: s.Errs, Rows: s.Rows, Weak: s.Weak},
	}
	for _, w := range s.Config.Warnings() {
		f.Ours.Warnings = append(f.Ours.Warnings, w)
	}
	f.files(s)
	f.mtas(ctx, s)
	f.knock(ctx)
	if s.Only == "" {
		f.Unit = unit(ctx)
		f.host()
	}
	f.stored(ctx, s)
	f.ask(ctx, s)
	f.probeSelectors(ctx, s)
	return f
}

// unread notes what could not be looked at.
func (f *Facts) unread(what string, err error) {
	f.Unread = append(f.Unread, Unread{what, err})
}

// files are what the service has to read.
func (f *Facts) files(s Sources) {
	if s.Tables != nil {
		f.Ours.Tabled = true
		f.Ours.Keys, f.Ours.Lines = s.Tables.KeyCount(), s.Tables.RowCount()
	}
	add := func(what, path string) {
		if path == "" {
			return
		}
		file := File{What: what, Name: path, Nodes: access.Way(path)}
		if info, err := os.Stat(path); err == nil {
			file.Time = info.ModTime()
		}
		file.Closed = errors.Is(unix.Access(path, unix.R_OK), fs.ErrPermission)
		f.Ours.Files = append(f.Ours.Files, file)
	}
	if !s.Missing {
		add("configuration", absolute(s.Config.Path))
		add("table", absolute(s.Config.Sign.KeyTable))
		_, table, found := strings.Cut(s.Config.Sign.SigningTable, ":")
		if !found {
			table = s.Config.Sign.SigningTable
		}
		add("table", absolute(table))
		if path, ok := strings.CutPrefix(s.Config.Store.URL, "sqlite:"); ok {
			add("store", path)
		}
		if c := s.Config.Store; c.URL != "" && c.Credential == "" && len(c.IdentityCommand) == 0 {
			add("identity", c.Identity)
		}
	}
	if s.Tables == nil {
		return
	}
	seen := map[string]bool{}
	for ref := range s.Tables.All() {
		if path := ref.File(); path != "" && !strings.Contains(path, "%") && !seen[path] {
			seen[path] = true
			add("key", absolute(path))
		}
	}
}

func absolute(path string) string {
	if path == "" {
		return ""
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// mtas reads their configurations.
func (f *Facts) mtas(ctx context.Context, s Sources) {
	f.Named = s.Postfix != "" || s.Sendmail != ""
	if s.Postfix != "" {
		p, err := readPostfix(ctx, s.Postfix)
		if err != nil {
			f.unread("Postfix's configuration in "+s.Postfix, err)
		}
		f.Postfix = p
	}
	if s.Sendmail != "" {
		m, err := readSendmail(s.Sendmail)
		if err != nil {
			f.unread("Sendmail's configuration", err)
		}
		f.Sendmail = m
	}
	if text, err := os.ReadFile("/etc/opendmarc.conf"); err == nil {
		f.OpenDMARC = parseOpenDMARC("/etc/opendmarc.conf", string(text))
	}
}

// parseOpenDMARC reads TrustedAuthservIDs, or AuthservID, which stands for it.
func parseOpenDMARC(path, text string) *OpenDMARC {
	o := &OpenDMARC{Path: path}
	var own []string
	for line := range strings.Lines(text) {
		words := strings.Fields(strings.TrimSpace(line))
		switch {
		case len(words) < 2:
		case strings.EqualFold(words[0], "TrustedAuthservIDs"):
			o.Trusted = fields(strings.Join(words[1:], " "))
		case strings.EqualFold(words[0], "AuthservID"):
			own = words[1:2]
		}
	}
	if len(o.Trusted) == 0 {
		o.Trusted = own
	}
	return o
}

// knock connects to our listeners, and to the milters of the MTA that nobody else is known for.
func (f *Facts) knock(ctx context.Context) {
	ends := map[Endpoint]bool{}
	for _, l := range f.listeners() {
		if l.known {
			ends[l.at.connectable()] = true
			f.follow(l.at)
		}
	}
	see := func(m Milter, at Endpoint) {
		f.follow(at)
		f.resolve(ctx, m)
		if _, ok := f.recognise(m, "", at); !ok {
			ends[at.connectable()] = true
		}
	}
	if p := f.Postfix; p != nil {
		for _, s := range p.smtpd() {
			for _, m := range p.milters(s) {
				see(m, m.reached(s.Chroot, p.queue()))
			}
		}
	}
	if s := f.Sendmail; s != nil {
		for _, m := range s.Filters {
			see(m.Milter, m.reached(false, ""))
		}
	}
	for at := range ends {
		socket := probe(ctx, at)
		if at.Network == "unix" {
			socket.Nodes = access.Way(at.Address)
		}
		f.Sockets[at] = socket
	}
}

// follow notes where a path leads.
func (f *Facts) follow(at Endpoint) {
	if at.Network != "unix" {
		return
	}
	path := filepath.Clean(at.Address)
	if target, err := filepath.EvalSymlinks(path); err == nil && target != path {
		f.Links[path] = target
	}
}

// resolve looks up a milter's host name.
func (f *Facts) resolve(ctx context.Context, m Milter) {
	host, _, err := net.SplitHostPort(m.Address)
	if m.Network != "tcp" || err != nil {
		return
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, maxConversation)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for _, a := range addrs {
		f.Hosts[host] = append(f.Hosts[host], a.Unmap())
	}
	if err != nil {
		f.unread("the address of "+host, err)
	}
}

// host looks at users and the clock.
func (f *Facts) host() {
	for _, name := range append(f.mtaUsers(), serviceName) {
		if id, err := access.Lookup(name); err == nil {
			f.Users[name] = id
		}
	}
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.unread("/etc/passwd", err)
	}
	f.Shells = shellUsers(string(passwd))
	f.Clock = clock()
}
