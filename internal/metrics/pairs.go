package metrics

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// other counts for all pairs beyond the bound.
const other = "other"

// pairs are the series of signatures by domain and selector. A row of the key table
// may sign for any domain, so there is a bound: Prometheus keeps each series for weeks.
type pairs struct {
	most       int
	signatures *prometheus.CounterVec
	last       *prometheus.GaugeVec

	mu    sync.RWMutex
	all   map[string]*pair // DOMAIN/SELECTOR
	other *pair
}

type pair struct {
	signatures prometheus.Counter
	last       prometheus.Gauge
}

func newPairs(r prometheus.Registerer, most int) *pairs {
	labels := []string{"domain", "selector"}
	p := &pairs{
		most: most,
		signatures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: namespace + "signatures_total", Help: "Signatures made.",
		}, labels),
		last: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: namespace + "last_signed_timestamp_seconds", Help: "When a key last signed.",
		}, labels),
		all: map[string]*pair{},
	}
	r.MustRegister(p.signatures, p.last)
	return p
}

// count notes a signature by a key.
func (p *pairs) count(key string) {
	child := p.of(key)
	child.signatures.Inc()
	child.last.Set(float64(time.Now().UnixMilli()) / 1000)
}

func (p *pairs) of(key string) *pair {
	p.mu.RLock()
	child, full, rest := p.all[key], len(p.all) >= p.most, p.other
	p.mu.RUnlock()
	if child != nil {
		return child
	}
	if full && rest != nil {
		return rest
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.all[key] != nil:
	case len(p.all) < p.most:
		domain, selector, _ := strings.Cut(strings.ToValidUTF8(key, "?"), "/")
		p.all[key] = p.child(domain, selector)
	default:
		if p.other == nil {
			p.other = p.child(other, other)
		}
		return p.other
	}
	return p.all[key]
}

func (p *pairs) child(domain, selector string) *pair {
	return &pair{p.signatures.WithLabelValues(domain, selector), p.last.WithLabelValues(domain, selector)}
}
