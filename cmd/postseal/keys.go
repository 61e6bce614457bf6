package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/domains"
)

func newKeys(m *managing) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "List the keys in the store, and seal them",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(m.keysList(), m.keysSeal(), m.keysRekey())
	return cmd
}

func (s *store) keys(ctx context.Context) ([]domains.Key, error) {
	keys := []domains.Key{}
	err := s.every(ctx, func(r domains.Row) error {
		keys = append(keys, r.Keys...)
		return nil
	})
	return keys, err
}

// ownKeys are those whose private halves the store has.
func (s *store) ownKeys(ctx context.Context) (keys []domains.Key, err error) {
	err = s.every(ctx, func(r domains.Row) error {
		for _, k := range r.Keys {
			if !r.Domain.Watched() && k.Pair == "" {
				keys = append(keys, k)
			}
		}
		return nil
	})
	return keys, err
}

func (m *managing) keysList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List all keys with state, age and fingerprint", Args: cobra.NoArgs}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	return m.verb(cmd, func(ctx context.Context, s *store, _ []string) error {
		keys, err := s.keys(ctx)
		if err != nil {
			return err
		}
		if *asJSON {
			return m.printJSON(keys)
		}
		lines := []line{{cells: []cell{{text: "DOMAIN"}, {text: "SELECTOR"}, {text: "KEY"}, {text: "STATE"}, {text: "MADE"}, {text: "LAST SIGNED"}, {text: "FINGERPRINT"}}}}
		for _, k := range keys {
			state := string(k.State)
			if k.Compromised {
				state = "compromised"
			}
			lines = append(lines, line{cells: []cell{
				{text: k.Owner}, {text: k.Selector}, {text: keyKind(&k)}, {text: state}, {text: day(k.CreatedAt)}, {text: day(k.LastSignedAt)}, {text: k.Print},
			}})
		}
		grid(m.out, lines, false)
		return nil
	})
}

func (m *managing) keysSeal() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "seal",
		Short: "See that every private key is sealed and can be opened",
		Long: `Private keys in the store are always sealed with age. This opens each with the
identity at hand, in memory, and tells which cannot be opened.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().Bool("all", true, "all keys, which is the default")
	return m.verb(cmd, func(ctx context.Context, s *store, _ []string) error {
		keys, err := s.ownKeys(ctx)
		if err != nil {
			return err
		}
		closed := 0
		for _, k := range keys {
			if _, err := s.service.Private(ctx, k.ID); err != nil {
				fmt.Fprintf(m.err, "postseal: %s, selector %s: %v\n", k.Owner, k.Selector, err)
				closed++
			}
		}
		fmt.Fprintf(m.out, "%d private keys, sealed to %s; %d of them cannot be opened here\n", len(keys), strings.Join(s.sealed.Recipients(), " "), closed)
		if closed > 0 {
			return &exitError{code: exitFinding}
		}
		return nil
	})
}

func (m *managing) keysRekey() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rekey",
		Short: "Seal every private key anew, to the recipients configured now",
		Long: `Seals every private key anew: to the identity at hand and to store.recipients. Run it
after a host has joined or left, or before the identity is replaced. DKIM keys and
DNS stay as they are.`,
		Args: cobra.NoArgs,
	}
	return m.verb(cmd, func(ctx context.Context, s *store, _ []string) error {
		n, err := s.sealed.Rekey(ctx)
		fmt.Fprintf(m.out, "%d private keys sealed anew to %s\n", n, strings.Join(s.sealed.Recipients(), " "))
		return err
	})
}
