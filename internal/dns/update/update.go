// Package update changes what a zone holds: by dynamic updates to its primary server
// (RFC 2136, with the transaction signatures of RFC 8945), and in the text of its
// zone file (RFC 1035 section 5).
//
//	key, err := update.ReadKey("/etc/postseal/ddns.key", "", "")
//	server := &update.Server{Address: "192.0.2.53:53", Key: key, TCP: true, Timeout: 10 * time.Second}
//	before, err := server.Look(ctx, "example.com", "s1._domainkey.example.com")
//	err = server.Replace(ctx, "example.com", before, record)
//
// A change says what it expects to stand at the name, so that nothing which came
// there in between is lost: the server compares (RFC 2136 section 2.4).
package update

import (
	"strings"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/internal/dns"
)

// Record is one record of a zone.
type Record struct {
	Name  string // in lower case, without final dot
	Type  string // "TXT", "CNAME" …
	Value string // TXT: the octets of its strings joined; CNAME: the target in lower case, without final dot; others: as in a zone file
	TTL   int    // seconds
}

// recordOf takes a record off the wire, or out of a file.
func recordOf(rr wire.RR) Record {
	h := rr.Header()
	r := Record{Name: plain(h.Name), Type: wire.Type(h.Rrtype).String(), TTL: int(h.Ttl)}
	switch rr := rr.(type) {
	case *wire.TXT: // Txt has the backslashes of a zone file; what counts are the octets
		r.Value = strings.Join(dns.Strings(rr), "")
	case *wire.CNAME:
		r.Value = plain(rr.Target)
	default:
		r.Value = strings.TrimPrefix(rr.String(), h.String())
	}
	return r
}

// rr is the record for the wire.
func (r *Record) rr() wire.RR {
	h := wire.RR_Header{Name: wire.Fqdn(r.Name), Class: wire.ClassINET, Ttl: uint32(r.TTL)}
	if r.Type == "CNAME" {
		h.Rrtype = wire.TypeCNAME
		return &wire.CNAME{Hdr: h, Target: wire.Fqdn(r.Value)}
	}
	h.Rrtype = wire.TypeTXT
	return &wire.TXT{Hdr: h, Txt: escaped(r.Value)}
}

// maxString is the most octets of a character-string (RFC 1035 section 3.3).
const maxString = 255

// escaped parts a text into character-strings, in the form of a zone file, which is
// the one that the library takes.
func escaped(text string) []string {
	var out []string
	for len(text) > maxString {
		out = append(out, escape(text[:maxString]))
		text = text[maxString:]
	}
	return append(out, escape(text))
}

func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			b.WriteString(decimal(c))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// decimal is \DDD (RFC 1035 section 5.1).
func decimal(c byte) string {
	return string([]byte{'\\', '0' + c/100, '0' + c/10%10, '0' + c%10})
}

func plain(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
