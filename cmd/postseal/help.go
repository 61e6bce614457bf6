package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/manual"
)

// newHelp is cobra's help command, and one for the options of postseal.toml too.
func newHelp(io stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND | config [KEY]]",
		Short: "Explain a command, or an option of postseal.toml",
		Long: `Prints what a command does, or what an option of postseal.toml means: KEY is an
option (sign.oversign) or a table (sign); without one all of them are printed.`,
		Example: `  postseal help domain add
  postseal help config sign.trusted_networks`,
		ValidArgsFunction: completeHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && args[0] == "config" {
				return helpConfig(io, args[1:])
			}
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return &exitError{exitUsage, fmt.Errorf("there is no command %q; postseal --help lists them", strings.Join(args, " "))}
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

func helpConfig(io stdio, args []string) error {
	if len(args) > 1 {
		return &exitError{exitUsage, fmt.Errorf("one KEY at a time, not %s", strings.Join(args, " "))}
	}
	text, ok := manual.OptionHelp(strings.Join(args, ""))
	if !ok {
		return &exitError{exitUsage, fmt.Errorf("postseal.toml has no option %s; postseal help config lists them", args[0])}
	}
	fmt.Fprint(io.out, text)
	return nil
}

// completeHelp offers commands, at any depth, and options.
func completeHelp(cmd *cobra.Command, args []string, start string) (words []string, _ cobra.ShellCompDirective) {
	if len(args) == 1 && args[0] == "config" {
		for _, key := range manual.OptionKeys() {
			if strings.HasPrefix(key, start) {
				words = append(words, key)
			}
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
	about, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, c := range about.Commands() {
		if (c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand()) && strings.HasPrefix(c.Name(), start) {
			words = append(words, cobra.CompletionWithDesc(c.Name(), c.Short))
		}
	}
	if len(args) == 0 && strings.HasPrefix("config", start) {
		words = append(words, cobra.CompletionWithDesc("config", "Options of postseal.toml"))
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
