package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

func newUser(m *managing) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Manage outgoing users: fallback keys, and who is never signed",
		Long: `An outgoing user is whoever sends through this host: a login (sasl:ada), all logins
of a domain (sasl-domain:example.com), an address or network (ip:192.0.2.0/24), or a
daemon of the mail server (daemon:SUBMISSION). A row may give it a key for mail of
domains that have no key of their own, or say that its mail is never signed. Rows of
postseal.toml come first. USER without a kind is a login.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(m.userSet(), m.userList(), m.userDel(), m.userSwitch("enable", true), m.userSwitch("disable", false))
	return cmd
}

// matchOf reads USER: a login where no kind is named.
func matchOf(text string) string {
	switch kind, _, _ := strings.Cut(text, ":"); kind {
	case "sasl", "sasl-domain", "ip", "daemon":
		return text
	}
	return "sasl:" + text
}

func (m *managing) userSet() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set USER",
		Short: "Make the row of an outgoing user, or replace it whole",
		Long: `Makes the row of an outgoing user; a row that is there is replaced whole. The key is
named by its domain, so that a rotation is followed, by DOMAIN/SELECTOR, or by its
selector alone where only one domain has it. A domain's own key always goes first.

The signature carries the domain of the key in d=: it always verifies, and is not
aligned with the sender. With --fallback-d from it carries the sender's domain, for
those of --domains that publish this very key under their own name and have no key of
their own here. DNS is asked about that as about other keys ("domain list" shows such
domains with "(lent)"); while it does not have the key, d= is the key's domain.

A user with --reauth is never signed, whatever its domain has.`,
		Example: `  postseal user set ada --selector crm-2026
  postseal user set ip:192.0.2.0/24 --key example.com --domains shop.example,.example.net
  postseal user set sasl-domain:example.org --reauth`,
		Args: cobra.ExactArgs(1),
	}
	var u domains.User
	flags := cmd.Flags()
	flags.StringVarP(&u.Key, "key", "k", "", "fallback key: DOMAIN or DOMAIN/SELECTOR")
	selector := flags.StringP("selector", "s", "", "the same by its selector")
	flags.StringSliceVar(&u.Domains, "domains", nil, "domains for which the user may be signed; .example.com is all below (default any)")
	flags.BoolVar(&u.Reauth, "reauth", false, "a re-authenticating user: never signed")
	flags.BoolVar(&u.Disabled, "no-sign", false, "never sign for this user")
	flags.StringVar(&u.Owner, "owner", "", "tenant that the user belongs to")
	flags.IntVar(&u.Position, "position", 0, "rows are tried by position, the lowest first")
	fallback := flags.String("fallback-d", "key", "d= of such signatures: key, the key's domain, or from, the sender's, while its DNS has this very key (with --domains)")
	asJSON := flags.Bool("json", false, "print JSON")
	cmd.MarkFlagsMutuallyExclusive("key", "selector")
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		row := u
		row.Match = matchOf(args[0])
		if *selector != "" {
			row.Key = *selector
		}
		switch *fallback {
		case "key":
		case "from":
			row.FromAsD = true
		default:
			return &exitError{exitUsage, fmt.Errorf("--fallback-d %q: say key or from", *fallback)}
		}
		set, err := s.service.SetUser(ctx, s.actor, row)
		if err != nil {
			return err
		}
		if *asJSON {
			return m.printJSON(set)
		}
		m.printUsers([]domains.User{set})
		return m.printLent(ctx, s, set)
	})
}

// printLent tells what the domains of a user have to publish for signatures with their own
// name, and how that stands.
func (m *managing) printLent(ctx context.Context, s *store, u domains.User) error {
	rows, err := s.service.Lent(ctx, u)
	for _, r := range rows {
		fmt.Fprintf(m.out, "\n%s: %s. Until DNS there has the record, d= is the key's domain.\n", records.Both(r.Domain.SigningDomain()), r.Status.Label)
		for _, k := range r.Keys {
			fmt.Fprintf(m.out, "    %s. TXT %q\n", dkim.RecordName(k.Selector, k.Domain), k.Record)
		}
	}
	return err
}

func (m *managing) printUsers(users []domains.User) {
	lines := []line{{cells: []cell{{text: "USER"}, {text: "KEY"}, {text: "FOR DOMAINS"}, {text: "D="}, {text: "SIGNED"}}}}
	for _, u := range users {
		key := u.Key
		if key == "" {
			key = "none"
		}
		list := strings.Join(u.Domains, ",")
		if list == "" {
			list = "any"
		}
		d := "the key's"
		if u.FromAsD {
			d = "the sender's, where it has the key"
		}
		lines = append(lines, line{cells: []cell{{text: u.Match}, {text: key}, {text: list}, {text: d}, {text: signedWord(u)}}})
	}
	grid(m.out, lines, false)
}

func signedWord(u domains.User) string {
	switch {
	case u.Reauth:
		return "never: re-authenticating user"
	case u.Disabled:
		return "never: disabled"
	}
	return "yes"
}

func (m *managing) userList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List outgoing users in the order in which they are tried", Args: cobra.NoArgs}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	return m.verb(cmd, func(ctx context.Context, s *store, _ []string) error {
		users, err := s.service.Users(ctx)
		if err != nil {
			return err
		}
		if *asJSON {
			return m.printJSON(append([]domains.User{}, users...))
		}
		m.printUsers(users)
		return nil
	})
}

func (m *managing) userDel() *cobra.Command {
	cmd := &cobra.Command{Use: "del USER…", Short: "Remove the row of an outgoing user", Args: cobra.MinimumNArgs(1)}
	yes := cmd.Flags().BoolP("yes", "y", false, "agree to what is asked")
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		return m.confirmed(*yes, func(yes bool) error {
			if !yes {
				return unconfirmed("user-del", "Mail of "+strings.Join(args, ", ")+" will only be signed by keys of its own domains.")
			}
			var failures []error
			for _, a := range args {
				failures = append(failures, s.service.DeleteUser(ctx, s.actor, matchOf(a)))
			}
			return errors.Join(failures...)
		})
	})
}

func (m *managing) userSwitch(word string, on bool) *cobra.Command {
	short := map[bool]string{true: "Sign for an outgoing user again", false: "Never sign for an outgoing user"}[on]
	cmd := &cobra.Command{Use: word + " USER…", Short: short, Args: cobra.MinimumNArgs(1)}
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		for _, a := range args {
			if err := s.service.SwitchUser(ctx, s.actor, matchOf(a), on); err != nil {
				return err
			}
		}
		return nil
	})
}
