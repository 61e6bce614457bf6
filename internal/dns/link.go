package dns

import (
	"strings"
	"time"

	wire "github.com/miekg/dns"
)

// link is how far a CNAME chain was followed, and what was found there: TXT records, their absence, or nothing yet.
type link struct {
	name    string // without a final dot
	hops    int
	txt     []string // never empty if not nil
	missing bool
	exists  bool // missing: the name has other records
	ttl     time.Duration
	secure  bool // all the way, as far as the servers say
	server  string
}

// read follows a server's answer to the question for l.name. The error is an RcodeError, an answerError or ErrLoop.
func (l link) read(reply *wire.Msg) (link, error) {
	switch {
	case isFailure(reply.Rcode):
		return link{}, rcodeError(reply.Rcode)
	case reply.Truncated:
		return link{}, answerError("answer cut short over TCP")
	}
	l.secure = l.secure && reply.AuthenticatedData
	start := l.hops
	for {
		if txt, ttl := texts(reply.Answer, l.name); txt != nil && reply.Rcode == wire.RcodeSuccess {
			l.txt, l.ttl = txt, min(l.ttl, ttl)
			return l, nil
		}
		target, ttl, ok := alias(reply.Answer, l.name)
		if !ok {
			break
		}
		l.name, l.ttl = target, min(l.ttl, ttl)
		if l.hops++; l.hops > maxHops {
			return link{}, ErrLoop
		}
	}
	negative, hasSOA := negativeTTL(reply.Ns)
	switch {
	case reply.Rcode == wire.RcodeNameError || hasSOA:
		// With CNAME records in the answer this is said of the last target (RFC 2308 section 2.1, RFC 6604 section 3).
		l.missing, l.exists, l.ttl = true, reply.Rcode == wire.RcodeSuccess, min(l.ttl, negative)
		return l, nil
	case l.hops > start:
		return l, nil // the chain leaves what this server knows
	case len(reply.Answer) > 0:
		return link{}, answerError("answer about another name")
	case isReferral(reply.Ns):
		return link{}, answerError("referral; the server does not look up for us")
	}
	l.missing, l.exists, l.ttl = true, true, 0
	return l, nil
}

func rcodeError(rcode int) error {
	if text, ok := wire.RcodeToString[rcode]; ok {
		return RcodeError(text)
	}
	return RcodeError("unknown RCODE")
}

// texts returns the TXT records of a name, nil if it has none, and the shortest of their TTLs.
func texts(rrs []wire.RR, name string) (txt []string, ttl time.Duration) {
	ttl = maxPositive
	for _, rr := range rrs {
		if record, ok := rr.(*wire.TXT); ok && isOf(record.Hdr, name) {
			txt = append(txt, strings.Join(Strings(record), ""))
			ttl = min(ttl, Lifetime(record.Hdr.Ttl))
		}
	}
	return txt, ttl
}

// alias returns the target of a name's CNAME record.
func alias(rrs []wire.RR, name string) (target string, ttl time.Duration, ok bool) {
	for _, rr := range rrs {
		if record, ok := rr.(*wire.CNAME); ok && isOf(record.Hdr, name) {
			return strings.ToLower(strings.TrimSuffix(record.Target, ".")), Lifetime(record.Hdr.Ttl), true
		}
	}
	return "", 0, false
}

// negativeTTL is how long absence may be believed: the SOA record's own TTL or its MINIMUM, the smaller (RFC 2308 section 5); without an SOA
// record not at all.
func negativeTTL(authority []wire.RR) (ttl time.Duration, ok bool) {
	for _, rr := range authority {
		if soa, ok := rr.(*wire.SOA); ok {
			return min(Lifetime(soa.Hdr.Ttl), Lifetime(soa.Minttl)), true
		}
	}
	return 0, false
}

// isReferral tells "ask them" from "no such data": RFC 2308 section 2.2, by NS records without an SOA record.
func isReferral(authority []wire.RR) bool {
	for _, rr := range authority {
		if rr.Header().Rrtype == wire.TypeNS {
			return true
		}
	}
	return false
}

func isOf(h wire.RR_Header, name string) bool {
	owner := strings.TrimSuffix(h.Name, ".")
	return h.Class == wire.ClassINET && len(owner) == len(name) && strings.EqualFold(owner, name)
}

// Lifetime is a TTL; one with its highest bit set is 0 (RFC 2181 section 8).
func Lifetime(ttl uint32) time.Duration {
	if ttl > 1<<31-1 {
		return 0
	}
	return time.Duration(ttl) * time.Second
}

// Strings returns the octets of each character-string of a TXT record as they went over the wire.
func Strings(record *wire.TXT) []string {
	out := make([]string, len(record.Txt))
	for i, s := range record.Txt {
		out[i] = unescape(s)
	}
	return out
}

// unescape undoes the zone-file form (RFC 1035 section 5.1) in which the library gives octets.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\' || i+1 == len(s):
			b = append(b, s[i])
		case i+3 < len(s) && isDigit(s[i+1]) && isDigit(s[i+2]) && isDigit(s[i+3]):
			b = append(b, (s[i+1]-'0')*100+(s[i+2]-'0')*10+(s[i+3]-'0'))
			i += 3
		default:
			i++
			b = append(b, s[i])
		}
	}
	return string(b)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
