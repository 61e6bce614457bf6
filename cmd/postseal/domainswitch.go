package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/postseal/postseal/internal/domains"
)

func (m *managing) domainEnable() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "enable DOMAIN…",
		Short: "Let a domain be signed for",
		Long: `Switches signing on; keys and DNS are left as they are, and what DNS had confirmed
needs no new verification. With activation manual it also puts a key into service
that DNS has confirmed; before that it is refused, unless --force is given, which
asks first.`,
		Args: cobra.MinimumNArgs(1),
	}
	force := cmd.Flags().Bool("force", false, "sign with a key that DNS has not confirmed")
	yes := cmd.Flags().BoolP("yes", "y", false, "agree to what is asked")
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		return m.eachNamed(ctx, s, args, func(name string) error {
			return m.confirmed(*yes, func(yes bool) error {
				_, err := s.service.Enable(ctx, s.actor, name, domains.EnableRequest{Force: *force, Yes: yes})
				return err
			})
		})
	})
}

func (m *managing) domainDisable() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "disable DOMAIN…",
		Short: "Stop signing for a domain; keys and DNS stay",
		Long: `Stops signing with the next message. Keys, records and checks go on, so that
"enable" can be said at any time.`,
		Args: cobra.MinimumNArgs(1),
	}
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		return m.eachNamed(ctx, s, args, func(name string) error {
			_, err := s.service.Disable(ctx, s.actor, name)
			return err
		})
	})
}

// eachNamed does something to each row and tells how it stands then.
func (m *managing) eachNamed(ctx context.Context, s *store, args []string, do func(name string) error) error {
	names, err := s.chosen(ctx, args, false)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := do(name); err != nil {
			return err
		}
		if err := m.printStatus(ctx, s, name); err != nil {
			return err
		}
	}
	return nil
}

func (m *managing) domainSet() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set DOMAIN…",
		Short: "Change settings of a domain",
		Example: `  postseal domain set example.com --activation manual
  postseal domain set example.com --publish cname --slots 3
  postseal domain set example.com --contact hostmaster@example.com --on-missing keep`,
		Args: cobra.MinimumNArgs(1),
	}
	flags := cmd.Flags()
	flags.String("activation", "", "when a key begins to sign: verified, manual or immediate")
	flags.String("publish", "", "what is published: txt, cname or cname-shared; the old way signs until DNS has the new one")
	flags.String("on-missing", "", "when DNS loses the record: keep, suspend or suspend:24h")
	flags.String("contact", "", "address of whoever changes the DNS")
	flags.String("driver", "", "name of the [[driver]] that writes the records; \"\" for a person")
	flags.String("owner", "", "tenant that the domain belongs to")
	flags.Bool("subdomains", false, "sign for what is below the domain too")
	flags.Bool("dual-sign", false, "while a key is replaced, sign with both as soon as DNS has the new one")
	flags.Bool("disabled-fallback", false, "while disabled, let the user's or the default key sign")
	flags.Duration("retire-after", 0, "how long a replaced key stays in DNS, at least")
	flags.Duration("rotate-every", 0, "make a new key so often; 0: domains.rotate_every")
	var slots int
	flags.Var(slotCount{&slots}, "slots", "with publish cname: how many names, 1 to 12")
	yes := flags.BoolP("yes", "y", false, "agree to what is asked")
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		settings := settingsOf(flags)
		settings.Slots = given(flags, "slots", slots)
		return m.eachNamed(ctx, s, args, func(name string) error {
			return m.confirmed(*yes, func(yes bool) error {
				settings.Yes = yes
				_, err := s.service.Configure(ctx, s.actor, name, settings)
				return err
			})
		})
	})
}

// settingsOf are the flags that were given.
func settingsOf(flags *pflag.FlagSet) domains.Settings {
	text := func(name string) string { v, _ := flags.GetString(name); return v } // all are declared above
	return domains.Settings{
		Activation:       given(flags, "activation", domains.Activation(text("activation"))),
		Publish:          given(flags, "publish", domains.Publish(text("publish"))),
		OnMissing:        given(flags, "on-missing", domains.OnMissing(text("on-missing"))),
		Contact:          given(flags, "contact", text("contact")),
		Driver:           given(flags, "driver", text("driver")),
		Owner:            given(flags, "owner", text("owner")),
		SubDomains:       givenBool(flags, "subdomains"),
		DualSign:         givenBool(flags, "dual-sign"),
		DisabledFallback: givenBool(flags, "disabled-fallback"),
		RetireAfter:      givenDuration(flags, "retire-after"),
		RotateEvery:      givenDuration(flags, "rotate-every"),
	}
}

func given[T any](flags *pflag.FlagSet, name string, value T) *T {
	if !flags.Changed(name) {
		return nil
	}
	return &value
}

func givenBool(flags *pflag.FlagSet, name string) *bool {
	v, _ := flags.GetBool(name)
	return given(flags, name, v)
}

func givenDuration(flags *pflag.FlagSet, name string) *time.Duration {
	v, _ := flags.GetDuration(name)
	return given(flags, name, v)
}
