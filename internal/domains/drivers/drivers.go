// Package drivers are the ways in which postseal writes DNS by itself: dynamic updates, a
// zone file and a command that loads it, a program of the operator's.
//
// Each is a domains.DNSWriter. What all of them hold to: a change is made only where
// nothing stands, or where exactly one record stands that postseal wrote before
// (domains.DNSChange.Judge); whatever else stands at a name stays.
package drivers

import (
	"time"

	"github.com/postseal/postseal/internal/dns/update"
	"github.com/postseal/postseal/internal/domains"
)

// DefaultTimeout is for one exchange with a server, one command and one program.
const DefaultTimeout = 30 * time.Second

func timeoutOr(configured time.Duration) time.Duration {
	if configured > 0 {
		return configured
	}
	return DefaultTimeout
}

func wireRecord(r domains.DNSRecord) update.Record {
	return update.Record{Name: r.Name, Type: r.Type, Value: r.Value, TTL: r.TTL}
}

func plainRecords(zone string, records []update.Record) []domains.DNSRecord {
	var out []domains.DNSRecord
	for _, r := range records {
		out = append(out, domains.DNSRecord{Zone: zone, Name: r.Name, Type: r.Type, Value: r.Value, TTL: r.TTL})
	}
	return out
}

// judged is the outcome of a change that nobody has made yet.
func judged(c *domains.DNSChange, standing []domains.DNSRecord) domains.DNSOutcome {
	return domains.DNSOutcome{Verdict: c.Judge(standing), Was: standing}
}
