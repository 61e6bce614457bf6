package update

import (
	"context"
	"slices"
	"time"

	wire "github.com/miekg/dns"
)

// Server is the primary name server of zones that takes updates.
type Server struct {
	Address string        // HOST:PORT
	Key     *Key          // what questions and updates are signed with
	TCP     bool          // else UDP first, and TCP for what does not fit
	Timeout time.Duration // of one exchange; 0: 10 s

	skew time.Duration // of our clock, for tests
}

// Standing is what a server has at a name.
type Standing struct {
	Name    string
	Records []Record

	rrs []wire.RR
}

// Look asks the server what stands at a name: its TXT records, or its CNAME record.
func (s *Server) Look(ctx context.Context, zone, name string) (Standing, error) {
	m := new(wire.Msg)
	m.SetQuestion(wire.Fqdn(name), wire.TypeTXT)
	m.RecursionDesired = false
	m.SetEdns0(udpSize, false)
	answer, err := s.exchange(ctx, zone, name, m)
	if err != nil {
		return Standing{}, err
	}
	standing := Standing{Name: name}
	switch {
	case answer.Rcode == wire.RcodeNameError:
		return standing, nil
	case answer.Rcode != wire.RcodeSuccess:
		return standing, &Error{Server: s.Address, Zone: zone, Name: name, Key: s.keyName(), Rcode: answer.Rcode, asked: true}
	case !answer.Authoritative:
		return standing, &Error{Server: s.Address, Zone: zone, Name: name, Key: s.keyName(), Rcode: wire.RcodeNotAuth, asked: true}
	}
	for _, rr := range answer.Answer {
		if plain(rr.Header().Name) == name && rr.Header().Class == wire.ClassINET && rr.Header().Rrtype != wire.TypeRRSIG {
			standing.rrs = append(standing.rrs, rr)
			standing.Records = append(standing.Records, recordOf(rr))
		}
	}
	return standing, nil
}

// Add makes a record where nothing of its type stands; a CNAME where nothing stands at
// all. Otherwise it is an *Error with Conflict.
func (s *Server) Add(ctx context.Context, zone string, r Record) error {
	m := vacancy(zone, r)
	m.Insert([]wire.RR{r.rr()})
	return s.send(ctx, zone, r.Name, m)
}

// MayAdd asks what Add would come to and changes nothing: it is an update without
// changes. Unlike Look it sees through a wildcard, which answers for names that are not
// there.
func (s *Server) MayAdd(ctx context.Context, zone string, r Record) error {
	return s.send(ctx, zone, r.Name, vacancy(zone, r))
}

// vacancy is an update that expects nothing where a record is to come.
func vacancy(zone string, r Record) *wire.Msg {
	m := updateOf(zone)
	rr := r.rr()
	if r.Type == "CNAME" {
		m.NameNotUsed([]wire.RR{rr}) // RFC 2136 section 2.4.5
	} else {
		other := &wire.CNAME{Hdr: wire.RR_Header{Name: rr.Header().Name, Rrtype: wire.TypeCNAME}}
		m.RRsetNotUsed([]wire.RR{rr, other}) // section 2.4.3; beside a CNAME an addition would be ignored in silence, section 3.4.2.2
	}
	return m
}

// Replace puts a record into the place of exactly those that stand there.
func (s *Server) Replace(ctx context.Context, zone string, before Standing, r Record) error {
	m := updateOf(zone)
	m.Used(copies(before.rrs)) // section 2.4.2
	m.RemoveRRset(before.rrs[:1])
	m.Insert([]wire.RR{r.rr()})
	return s.send(ctx, zone, r.Name, m)
}

// Remove removes exactly the records that stand there.
func (s *Server) Remove(ctx context.Context, zone string, before Standing) error {
	m := updateOf(zone)
	m.Used(copies(before.rrs))
	m.RemoveRRset(before.rrs[:1])
	return s.send(ctx, zone, before.Name, m)
}

func updateOf(zone string) *wire.Msg {
	m := new(wire.Msg)
	m.SetUpdate(wire.Fqdn(zone))
	return m
}

// copies are for a section that changes TTLs.
func copies(rrs []wire.RR) []wire.RR {
	rrs = slices.Clone(rrs)
	for i := range rrs {
		rrs[i] = wire.Copy(rrs[i])
	}
	return rrs
}

func (s *Server) send(ctx context.Context, zone, name string, m *wire.Msg) error {
	answer, err := s.exchange(ctx, zone, name, m)
	if err != nil {
		return err
	}
	if answer.Rcode != wire.RcodeSuccess {
		return &Error{Server: s.Address, Zone: zone, Name: name, Key: s.keyName(), Rcode: answer.Rcode}
	}
	return nil
}

func (s *Server) keyName() string {
	if s.Key == nil {
		return ""
	}
	return s.Key.Name
}
