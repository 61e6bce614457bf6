package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/postseal/postseal/internal/dns/authority"
)

// Known is a selector that many use, and who publishes keys there.
type Known struct {
	Selector string `toml:"selector"`
	Name     string `toml:"name"`
}

// probeSelectors looks for keys of others of the domain at the selectors that are known (D612). DNS tells no list of
// them: what has another name is not found.
func (f *Facts) probeSelectors(ctx context.Context, s Sources) {
	if !s.Selectors || s.Only == "" || s.Records == nil || f.Resolver == nil || f.Resolver.Err != "" {
		return
	}
	if isKey(s.Records.Peek(ctx, "postseal-no-such-selector._domainkey."+s.Only, authority.TXT)) {
		f.unread("other selectors of "+s.Only, errWildcard)
		return
	}
	own := map[string]bool{}
	for _, d := range f.Domains {
		for _, k := range d.Keys {
			own[k.Selector] = true
		}
	}
	var mu sync.Mutex
	var group sync.WaitGroup
	slots := make(chan struct{}, maxAtOnce)
	for _, known := range catalog().selectors {
		if own[known.Selector] {
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if isKey(s.Records.Peek(ctx, known.Selector+"._domainkey."+s.Only, authority.TXT)) {
				mu.Lock()
				defer mu.Unlock()
				f.Selectors = append(f.Selectors, known)
			}
		})
	}
	group.Wait()
	slices.SortFunc(f.Selectors, func(a, b Known) int { return strings.Compare(a.Selector, b.Selector) })
}

var errWildcard = errors.New("a wildcard answers for every selector")

// isKey tells whether a record looks like a key.
func isKey(a authority.Answer) bool {
	return slices.ContainsFunc(a.Texts(), func(text string) bool {
		return strings.HasPrefix(text, "v=DKIM1") || strings.HasPrefix(text, "k=rsa") || strings.HasPrefix(text, "p=")
	})
}

// selectors tells of them.
func (e *examination) selectors() {
	if len(e.Selectors) == 0 {
		return
	}
	var found []string
	for _, k := range e.Selectors {
		found = append(found, k.Selector+" ("+k.Name+")")
	}
	e.raise("other-selectors", texts{"domain": e.Domains[0].Name, "count": fmt.Sprint(len(catalog().selectors)), "found": strings.Join(found, ", ")})
}
