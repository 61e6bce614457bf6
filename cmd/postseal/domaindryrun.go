package main

import (
	"fmt"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// wouldMake is what `--dry-run --json` prints. The pair was made and forgotten, so its
// record is not in it.
type wouldMake struct {
	DryRun bool      `json:"dry_run"`
	Domain string    `json:"domain"`
	Keys   []wouldBe `json:"keys"`
}

type wouldBe struct {
	Selector  string         `json:"selector"` // without --selector the next one has another random part
	Algorithm dkim.Algorithm `json:"algorithm"`
	Bits      int            `json:"bits"`
	State     domains.State  `json:"state"`
}

// printWouldMake tells what a verb that makes keys would have done.
func (m *managing) printWouldMake(added domains.Added, asJSON bool) error {
	would := wouldMake{DryRun: true, Domain: added.Domain.Name, Keys: []wouldBe{}}
	for i := range added.Keys {
		k := &added.Keys[i]
		would.Keys = append(would.Keys, wouldBe{k.Selector, k.Algorithm, k.Bits, k.State})
		if !asJSON {
			fmt.Fprintf(m.out, "%s: would make a key like %s, %s; it %s\n", records.Both(added.Domain.Name), k.Selector, keyKind(k), wouldSign(&added, k))
		}
	}
	if asJSON {
		return m.printJSON(would)
	}
	return m.warnOfWeak(added.Keys)
}

func wouldSign(added *domains.Added, k *domains.Key) string {
	text := "would sign once DNS has confirmed it"
	switch {
	case k.State == domains.Active:
		return "would sign at once"
	case k.State == domains.Generated:
		text = "would wait until its records are asked for"
	case added.Domain.Activation == domains.ActivateManual:
		text += " and somebody has said \"enable\""
	}
	if added.Follow {
		text += "; until then everything stays as it is"
	}
	return text
}
