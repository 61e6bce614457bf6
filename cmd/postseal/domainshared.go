package main

import (
	"fmt"

	"github.com/postseal/postseal/internal/domains"
)

// printShared tells of a new key that all domains with cname-shared are to have.
func (m *managing) printShared(added domains.Added, asJSON bool) error {
	if asJSON {
		return m.printJSON(added)
	}
	for _, k := range added.Keys {
		fmt.Fprintf(m.out, "%s made %s, %s, %s\n", domains.SharedSet, k.Selector, keyKind(&k), k.Print)
		fmt.Fprintf(m.out, "  the key zone has it at %s: a driver sees to it, or `postseal domain export --key-zone`\n", k.Target)
	}
	fmt.Fprintln(m.out, "  no customer has to do anything; each domain signs with it once its own CNAME leads there (`postseal domain list`)")
	return nil
}
