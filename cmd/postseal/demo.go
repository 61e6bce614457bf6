package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/demo"
)

func newDemo(io stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "demo [FILE.eml]",
		Short: "Sign and verify a message on embedded parts, step by step",
		Long: `Runs the main job on embedded parts and leaves nothing behind: makes two keys,
serves their DNS records, starts the real daemon on a loopback port, plays the
MTA with a sample message or yours, and has an independent verifier judge the
result. Exits 0 only if every signature verifies.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			message := demo.Sample
			if len(args) == 1 {
				var note string
				var err error
				if message, note, err = readMessage(io.in, args[0], false); err != nil {
					return findingError(err)
				}
				if note != "" {
					fmt.Fprintln(io.out, note)
				}
			}
			if err := demo.Run(cmd.Context(), message, io.out); err != nil {
				return findingError(err)
			}
			return nil
		},
	}
}
