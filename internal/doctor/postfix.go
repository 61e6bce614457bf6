package doctor

import (
	"net"
	"net/netip"
	"path"
	"strings"
)

// Postfix is an instance's configuration as postconf(1) tells it.
type Postfix struct {
	Dir      string            // of main.cf
	Params   map[string]string // all parameters, defaults included, references replaced
	Set      map[string]bool   // those that main.cf has
	Services []Service
}

// Service is a line of master.cf.
type Service struct {
	Name    string // "smtp", "127.0.0.1:10025"
	Type    string // inet, unix, pass
	Chroot  bool
	Command string
	Own     map[string]string // -o name=value
}

// String is the name that postconf gives it.
func (s *Service) String() string { return s.Name + "/" + s.Type }

// parsePostfix reads what "postconf -x", "postconf -n", "postconf -M" and "postconf -Px" printed.
func parsePostfix(dir, params, set, services, own string) *Postfix {
	p := &Postfix{Dir: dir, Params: map[string]string{}, Set: map[string]bool{}}
	for name, value := range assignments(params) {
		p.Params[name] = value
	}
	for name := range assignments(set) {
		p.Set[name] = true
	}
	for line := range strings.Lines(services) {
		if f := strings.Fields(line); len(f) >= 8 {
			p.Services = append(p.Services, Service{Name: f[0], Type: f[1], Chroot: p.chroots(f[4]), Command: f[7], Own: map[string]string{}})
		}
	}
	for key, value := range assignments(own) {
		service, param := path.Split(key)
		for i := range p.Services {
			if s := &p.Services[i]; s.String() == strings.TrimSuffix(service, "/") {
				s.Own[param] = value
			}
		}
	}
	return p
}

// assignments are "name = value" lines.
func assignments(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, " ="); ok {
			all[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return all
}

// chroots reads the chroot column. "-" is "y" for a configuration that says that it is older than Postfix 3 (master(5)).
func (p *Postfix) chroots(column string) bool {
	level := p.Params["compatibility_level"]
	return column == "y" || column == "-" && (level == "" || strings.HasPrefix(level, "0"))
}

// of is a parameter as a service has it.
func (p *Postfix) of(s *Service, param string) string {
	if s != nil {
		if value, ok := s.Own[param]; ok {
			return value
		}
	}
	return p.Params[param]
}

// milters are those of a service; none if it has none or is told to leave them out.
func (p *Postfix) milters(s *Service) []Milter {
	if words(p.of(s, "receive_override_options"))["no_milters"] {
		return nil
	}
	return parseMilters(p.of(s, "smtpd_milters"))
}

// smtpd are the services that take mail by SMTP.
func (p *Postfix) smtpd() (all []*Service) {
	for i := range p.Services {
		if p.Services[i].Command == "smtpd" {
			all = append(all, &p.Services[i])
		}
	}
	return all
}

// cleanup is the service that takes the mail of sendmail(1), nil if there is none.
func (p *Postfix) cleanup() *Service {
	for i := range p.Services {
		if p.Services[i].Command == "cleanup" {
			return &p.Services[i]
		}
	}
	return nil
}

func (p *Postfix) queue() string { return p.Params["queue_directory"] }

// port of a service, "25", "587" and "465" by number.
func (s *Service) port() string {
	port := s.Name[strings.LastIndexByte(s.Name, ':')+1:]
	if number, ok := map[string]string{"smtp": "25", "submission": "587", "smtps": "465", "submissions": "465"}[port]; ok {
		return number
	}
	return port
}

// public tells whether strangers hand mail in here: port 25, or behind postscreen.
func (s *Service) public() bool { return s.Type == "pass" || s.Type == "inet" && s.port() == "25" }

// local tells whether only programs of this host reach it, at a port of their own: content filters hand mail back there.
func (s *Service) local() bool {
	if s.Type == "unix" {
		return true
	}
	host, port, err := net.SplitHostPort(s.Name)
	if s.Type != "inet" || err != nil || port == "" || map[string]bool{"25": true, "587": true, "465": true}[s.port()] {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// submits tells whether clients authenticate here.
func (p *Postfix) submits(s *Service) bool {
	return p.of(s, "smtpd_sasl_auth_enable") == "yes" && !s.public() || s.port() == "587" || s.port() == "465"
}

// words of a list.
func words(s string) map[string]bool {
	set := map[string]bool{}
	for _, w := range fields(s) {
		set[w] = true
	}
	return set
}

func fields(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
}
