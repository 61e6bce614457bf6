package main

import (
	_ "embed"

	"github.com/spf13/cobra"
)

//go:embed domainhelp.txt
var helpDKIM string

// newHelpDKIM is a topic of `postseal help`, without any work of its own.
func newHelpDKIM() *cobra.Command {
	return &cobra.Command{Use: "dkim", Short: "What DKIM is, how it works, why, and good sending practice", Long: helpDKIM}
}
