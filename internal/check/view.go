package check

import (
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/internal/dns/authority"
)

// view is what the servers of a hop say together.
type view struct {
	hop      authority.Hop
	answered []authority.Answer
	failed   []authority.Answer // those that this host has no way to are in neither
}

func newView(hop authority.Hop) view {
	v := view{hop: hop}
	for _, a := range hop.Answers {
		switch {
		case a.Status.Answered():
			v.answered = append(v.answered, a)
		case a.Status != authority.NoRoute:
			v.failed = append(v.failed, a)
		}
	}
	if len(v.answered) == 0 {
		v.failed = hop.Answers
	}
	return v
}

// same tells whether all servers that answered gave the same answer.
func (v view) same() bool {
	for _, a := range v.answered {
		if essence(a) != essence(v.answered[0]) {
			return false
		}
	}
	return true
}

// essence is what has to be the same in the answers of all servers: not the order of records nor the TTL.
func essence(a authority.Answer) string {
	if alias := a.Alias(); alias != "" {
		return "CNAME " + alias
	}
	texts := a.Texts()
	slices.Sort(texts)
	return string(a.Status) + "\x00" + strings.Join(texts, "\x00")
}

// failureCode is D103 if a server says that it failed, else D104.
func (v view) failureCode() string {
	for _, a := range v.failed {
		if a.Status == authority.Failed {
			return "D103"
		}
	}
	if v.hop.Err != nil && len(v.failed) == 0 && v.hop.NameServers == nil {
		return "D103" // the resolver
	}
	return "D104"
}

func (v view) status() authority.Status {
	if len(v.answered) == 0 {
		return authority.TimedOut
	}
	return v.answered[0].Status
}

func (v view) texts() []string {
	if len(v.answered) == 0 {
		return nil
	}
	return v.answered[0].Texts()
}

// ttl is the shortest of the records' TTLs.
func (v view) ttl() time.Duration {
	var ttl time.Duration
	if len(v.answered) == 0 {
		return 0
	}
	for i, r := range v.answered[0].Of(authority.TXT) {
		if i == 0 || r.TTL < ttl {
			ttl = r.TTL
		}
	}
	return ttl
}

func (v view) negativeTTL() time.Duration {
	var ttl time.Duration
	for _, a := range v.answered {
		ttl = max(ttl, a.NegativeTTL)
	}
	return ttl
}
