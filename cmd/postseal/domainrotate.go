package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// rotateFlags are those of rotate and regenerate.
type rotateFlags struct {
	domains.RotateRequest
	algorithm string
	json      bool
}

func (f *rotateFlags) register(flags *pflag.FlagSet) {
	flags.StringVarP(&f.Selector, "selector", "s", "", "selector of the new key (default: made from domains.selector)")
	flags.IntVarP(&f.Bits, "bits", "b", 0, "size of a new RSA key (default: that of the old one)")
	flags.StringVarP(&f.algorithm, "algorithm", "a", "", "only the key of this algorithm: rsa or ed25519")
	flags.BoolVar(&f.Offline, "offline", false, "do not ask DNS whether the name of the record is free, nor for the zone")
	flags.BoolVar(&f.DryRun, "dry-run", false, "only show what would happen")
	flags.BoolVarP(&f.Yes, "yes", "y", false, "agree to what is asked")
	flags.BoolVar(&f.json, "json", false, "print JSON")
}

func (f *rotateFlags) request() (domains.RotateRequest, error) {
	r := f.RotateRequest
	if f.algorithm == "" {
		return r, nil
	}
	list, err := domains.ParseAlgorithms(f.algorithm)
	if err == nil {
		r.Algorithm = list[0]
	}
	return r, err
}

// succeed makes new keys and shows what to publish, or what it would make.
func (m *managing) succeed(ctx context.Context, s *store, name string, r domains.RotateRequest, f rotateFlags, verb succession) error {
	var added domains.Added
	err := m.confirmed(f.Yes || f.DryRun, func(yes bool) (err error) {
		r.Yes = yes
		added, err = verb(ctx, s.actor, name, r)
		return err
	})
	switch {
	case err != nil:
		return err
	case f.DryRun:
		return m.printWouldMake(added, f.json)
	}
	return m.printAdded(ctx, s, added, f.Offline, f.json)
}

type succession func(ctx context.Context, actor, name string, r domains.RotateRequest) (domains.Added, error)

func (m *managing) domainRegenerate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "regenerate DOMAIN",
		Short: "Make another key pair, under another selector if you like",
		Long: `Makes another pair. DNS must be updated to match: until it has the new record the
old key signs on, as with "rotate".

--in-place switches at once, under the same selector unless --selector names another
one. Mail fails verification until the record has changed, so this asks first.
--dry-run finds out what would happen, refusals included, and keeps nothing of it.`,
		Args: cobra.ExactArgs(1),
	}
	var f rotateFlags
	f.register(cmd.Flags())
	cmd.Flags().BoolVar(&f.InPlace, "in-place", false, "sign with the new key at once")
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		name, err := named(args[0])
		if err != nil {
			return err
		}
		r, err := f.request()
		if err != nil {
			return err
		}
		fmt.Fprintln(m.err, "postseal: warning: DNS has to be updated to match the new key [OCR-23]")
		return m.succeed(ctx, s, name, r, f, s.service.Regenerate)
	})
}

func (m *managing) domainRollback() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rollback DOMAIN",
		Short: "Let the key before the present one sign again",
		Long: `Puts the key back that a rotation replaced, if DNS still has its record: DNS is
asked first.`,
		Args: cobra.ExactArgs(1),
	}
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		name, err := named(args[0])
		if err != nil {
			return err
		}
		back, err := s.service.Rollback(ctx, s.actor, name)
		if err != nil {
			return err
		}
		for _, k := range back {
			fmt.Fprintf(m.out, "%s: signs with %s again\n", records.Both(name), k.Selector)
		}
		return m.printStatus(ctx, s, name)
	})
}

func (m *managing) domainCompromised() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "compromised DOMAIN/SELECTOR",
		Short: "Stop a key for good that got into other hands",
		Long: `Stops a key in the same second and for good. Its record must become "v=DKIM1; p="
at once. A key that is ready takes over; else a new one is made, and mail leaves
unsigned, or signed by the fallback, until DNS has it. A key that was replaced and whose
record is still right is named: "rollback" puts it back. Mail under way that carries
the old signature will not verify any more: that is intended. The keys of a deleted
domain can be stopped as well.`,
		Args: cobra.ExactArgs(1),
	}
	yes := cmd.Flags().BoolP("yes", "y", false, "agree to what is asked")
	offline := cmd.Flags().Bool("offline", false, "do not ask DNS for the zone")
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		name, selector, err := splitRef(args[0])
		if err != nil {
			return err
		}
		var e domains.Emergency
		err = m.confirmed(*yes, func(yes bool) (err error) {
			e, err = s.service.Compromised(ctx, s.actor, name, domains.CompromiseRequest{Selector: selector, Yes: yes})
			return err
		})
		if err != nil {
			return err
		}
		return m.printEmergency(ctx, s, name, e, *offline)
	})
}

func (m *managing) printEmergency(ctx context.Context, s *store, name string, e domains.Emergency, offline bool) error {
	fmt.Fprintf(m.out, "%s: %s signs nothing any more.\n", records.Both(name), e.Key.Selector)
	if e.Domains > 0 {
		fmt.Fprintf(m.out, "The key was shared: %d domains have stopped signing with it.\n", e.Domains)
	}
	switch {
	case e.InService.ID != "":
		fmt.Fprintf(m.out, "Mail is signed with %s as before.\n", e.InService.Selector)
	case e.Successor.ID == "":
		fmt.Fprintln(m.out, "Nothing takes its place: mail leaves unsigned, or signed by the fallback.")
	case e.Successor.State == domains.Active:
		fmt.Fprintf(m.out, "%s takes over and signs from now on.\n", e.Successor.Selector)
	default:
		fmt.Fprintf(m.out, "%s follows once DNS has it. Until then mail leaves unsigned, or signed by the fallback.\n", e.Successor.Selector)
	}
	if e.Key.Target != "" {
		fmt.Fprintf(m.out, "The key zone has to have %q at %s at once: a driver sees to it, or `postseal domain export --key-zone`.\n", e.Record, e.Key.Target)
	}
	if len(e.Also) > 0 {
		fmt.Fprintln(m.out, "The same pair stands under other names, and is stopped there, too. Each of these must become the same at once:")
	}
	for _, also := range e.Also {
		fmt.Fprintf(m.out, "%s. TXT %q\n", also, e.Record)
	}
	if e.Rollback.ID != "" {
		fmt.Fprintf(m.out, "Until then %s could sign, which was replaced and whose record is still right in DNS: postseal domain rollback %s\n", e.Rollback.Selector, name)
	}
	if name == domains.SharedSet {
		return nil
	}
	fmt.Fprintln(m.out)
	if !e.Live {
		fmt.Fprintf(m.out, "The domain is deleted, and mail with its signatures may be under way. Publish at once:\n\n%s. TXT %q\n", e.Name(), e.Record)
		return nil
	}
	sheet, err := s.sheet(ctx, name, offline)
	if err != nil {
		return err
	}
	text, err := records.Write(records.Table, []records.Sheet{sheet})
	fmt.Fprint(m.out, text)
	return err
}

func (m *managing) domainDelete() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete DOMAIN|DOMAIN/SELECTOR",
		Short: "Remove a domain or one of its keys; tells which records may go when",
		Long: `Stops signing at once and takes the domain, or one key, out of the list. Keys that
have signed are kept until mail under way has arrived; the records that may be
removed from DNS are listed, with their dates. --now does not wait.`,
		Args: cobra.ExactArgs(1),
	}
	now := cmd.Flags().Bool("now", false, "do not wait for mail under way")
	yes := cmd.Flags().BoolP("yes", "y", false, "agree to what is asked")
	dry := cmd.Flags().Bool("dry-run", false, "only show which records could go when")
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		r := domains.DeleteRequest{Now: *now, Yes: true}
		name, err := named(args[0])
		if selected, selector, splitErr := splitRef(args[0]); splitErr == nil {
			name, r.Selector, err = selected, selector, nil
		}
		if err != nil {
			return err
		}
		d, err := s.service.Show(ctx, name)
		if err != nil {
			return err
		}
		if *dry {
			m.printWouldGo(d.Keys, r)
			return nil
		}
		return m.confirmed(*yes, func(yes bool) error {
			if !yes {
				return unconfirmed("OCR-19", deleteWarning(args[0], r.Now))
			}
			gone, err := s.service.Delete(ctx, s.actor, name, r)
			if err != nil {
				return err
			}
			m.printRemovals(args[0], gone, s)
			return nil
		})
	})
}

func deleteWarning(what string, now bool) string {
	text := "Nothing will be signed with " + what + " any more, unless a key table has the key, too."
	if now {
		text += " Messages under way will not verify once its record is removed."
	}
	return text
}

func (m *managing) printWouldGo(keys []domains.Key, r domains.DeleteRequest) {
	for _, k := range keys {
		if r.Selector != "" && k.Selector != r.Selector || k.State == domains.Retired {
			continue
		}
		when := "at once: it never signed"
		if !k.ActivatedAt.IsZero() && !r.Now {
			when = "once mail under way has arrived"
		}
		fmt.Fprintf(m.out, "would go: %s._domainkey.%s, %s\n", k.Selector, k.Domain, when)
	}
}

func (m *managing) printRemovals(what string, gone []domains.Removal, s *store) {
	if slices.ContainsFunc(gone, func(r domains.Removal) bool { return len(r.Tables) > 0 }) {
		fmt.Fprintf(m.out, "%s: deleted from the store; a key table signs on\n", what)
	} else {
		fmt.Fprintf(m.out, "%s: deleted; nothing is signed with it any more\n", what)
	}
	for _, r := range gone {
		host := r.Key.Selector + "._domainkey." + r.Key.Domain
		switch {
		case len(r.Tables) > 0:
			fmt.Fprintf(m.out, "  keep the record %s: the key table of %s has the key, too, and signs with it; take its line out there and reload\n", host, strings.Join(r.Tables, ", "))
		case r.Stays:
			fmt.Fprintf(m.out, "  the CNAME %s stays, for the next key\n", host)
		case r.When.After(s.now()):
			fmt.Fprintf(m.out, "  keep the record %s until %s\n", host, records.Stamp(r.When))
		default:
			fmt.Fprintf(m.out, "  the record %s may be removed now\n", host)
		}
	}
}
