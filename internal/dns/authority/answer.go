package authority

import (
	"strings"
	"time"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/internal/dns"
)

// Type is a type of record.
type Type uint16

// The types that are asked for.
const (
	A     = Type(wire.TypeA)
	NS    = Type(wire.TypeNS)
	CNAME = Type(wire.TypeCNAME)
	SOA   = Type(wire.TypeSOA)
	TXT   = Type(wire.TypeTXT)
	AAAA  = Type(wire.TypeAAAA)
)

func (t Type) String() string { return wire.Type(t).String() }

// Status is what came of a question to one server.
type Status string

// The statuses. The first three are answers.
const (
	Found     Status = "found"    // records of the type, or a CNAME
	NoData    Status = "nodata"   // the name exists, without such a record
	NXDomain  Status = "nxdomain" // it does not exist
	Failed    Status = "failed"   // SERVFAIL and the like; Answer.Rcode says which
	Refused   Status = "refused"
	Lame      Status = "lame"        // the server does not know the zone: no authoritative answer
	TimedOut  Status = "timeout"     // no answer
	NoRoute   Status = "unreachable" // from this host: no IPv6, say
	Malformed Status = "malformed"   // an answer that says nothing
)

// Answered tells whether the server said what is in the zone.
func (s Status) Answered() bool { return s == Found || s == NoData || s == NXDomain }

// Answer is what one server said.
type Answer struct {
	Server      string        // its name, or the address of a resolver
	Address     string        // HOST:PORT
	Network     string        // "udp" or "tcp": the last that was tried
	Status      Status        //
	Rcode       string        // "SERVFAIL", …; empty if there was no answer
	Detail      string        // why there is no answer
	Records     []Record      // at the name that was asked for: of the type, and its CNAME
	NegativeTTL time.Duration // NoData, NXDomain: how long others remember that (RFC 2308 section 5)
	SOA         *Start        // of the zone, where the answer has it
	Secure      bool          // a resolver that is trusted vouches for it
	Size        int           // octets of the answer
}

// Record is one resource record at the name that was asked for.
type Record struct {
	Type    Type
	TTL     time.Duration
	Strings []string // TXT: the octets of each character-string
	Target  string   // CNAME, NS: lower case, without final dot; A, AAAA: the address
}

// Text is a TXT record's strings joined with nothing in between (RFC 6376 section 3.6.2.2).
func (r Record) Text() string { return strings.Join(r.Strings, "") }

// Start is what an SOA record says.
type Start struct {
	Zone    string // its owner: the apex of the zone
	Serial  uint32
	Refresh time.Duration // of the secondary servers
	TTL     time.Duration
	Minimum time.Duration
}

// Of returns the records of one type.
func (a Answer) Of(t Type) []Record {
	var out []Record
	for _, r := range a.Records {
		if r.Type == t {
			out = append(out, r)
		}
	}
	return out
}

// Texts returns the texts of the TXT records.
func (a Answer) Texts() []string {
	var out []string
	for _, r := range a.Of(TXT) {
		out = append(out, r.Text())
	}
	return out
}

// Alias returns where the name's CNAME points; empty if there is none.
func (a Answer) Alias() string {
	for _, r := range a.Of(CNAME) {
		return r.Target
	}
	return ""
}

// records reads those of a name that matter for a question.
func records(rrs []wire.RR, name string, t Type) []Record {
	var out []Record
	for _, rr := range rrs {
		h := rr.Header()
		kind := Type(h.Rrtype)
		if h.Class != wire.ClassINET || !sameName(h.Name, name) || kind != t && kind != CNAME {
			continue
		}
		r := Record{Type: kind, TTL: dns.Lifetime(h.Ttl)}
		switch rr := rr.(type) {
		case *wire.TXT:
			r.Strings = dns.Strings(rr)
		case *wire.CNAME:
			r.Target = plain(rr.Target)
		case *wire.NS:
			r.Target = plain(rr.Ns)
		case *wire.A:
			r.Target = rr.A.String()
		case *wire.AAAA:
			r.Target = rr.AAAA.String()
		case *wire.SOA:
		default:
			continue
		}
		out = append(out, r)
	}
	return out
}

// startOf finds the SOA record of a message, in its answer or its authority section.
func startOf(m *wire.Msg) *Start {
	for _, section := range [][]wire.RR{m.Answer, m.Ns} {
		for _, rr := range section {
			if soa, ok := rr.(*wire.SOA); ok {
				return &Start{
					Zone: plain(soa.Hdr.Name), Serial: soa.Serial, Refresh: dns.Lifetime(soa.Refresh),
					TTL: dns.Lifetime(soa.Hdr.Ttl), Minimum: dns.Lifetime(soa.Minttl),
				}
			}
		}
	}
	return nil
}

// plain is a name in lower case without its final dot; the root is empty.
func plain(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

func sameName(a, b string) bool { return plain(a) == plain(b) }

// isBelow tells whether name is zone or below it. Both are plain.
func isBelow(name, zone string) bool {
	return zone == "" || name == zone || strings.HasSuffix(name, "."+zone)
}
