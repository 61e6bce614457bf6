package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

func (m *managing) domainRotate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rotate DOMAIN…|--due|--all",
		Short: "Replace the key of a domain without a gap",
		Long: `Makes a new key under a new selector and shows its record. The old key signs until
DNS has confirmed the new one; then the new one signs, and the old record has to
stay for mail that is under way. "records" tells when it may go.

--due rotates what has signed for as long as rotate_every says, --all whatever signs.
The key that all domains with cname-shared have is rotated as "shared:", by name alone.
A domain that cannot be rotated does not hold up the others. In immediate mode the
successor of a key that DNS never confirmed signs at once, which is asked first.

--abort gives up a new key that has not signed yet. --dry-run finds out what would
happen, refusals included, and keeps nothing of it.`,
	}
	var f rotateFlags
	f.register(cmd.Flags())
	all := cmd.Flags().Bool("all", false, "all domains that sign")
	due := cmd.Flags().Bool("due", false, "all domains whose time has come by rotate_every")
	abort := cmd.Flags().Bool("abort", false, "give up the rotation that is under way")
	cmd.MarkFlagsMutuallyExclusive("all", "due")
	cmd.MarkFlagsMutuallyExclusive("abort", "due")
	cmd.MarkFlagsMutuallyExclusive("abort", "dry-run")
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		names, err := s.toRotate(ctx, args, *all, *due)
		if err != nil {
			return err
		}
		r, err := f.request()
		if err != nil {
			return err
		}
		if *due && len(names) == 0 {
			fmt.Fprintln(m.err, "postseal: no domain is due for rotation")
		}
		return m.each(names, func(name string) error {
			if *abort {
				return m.abort(ctx, s, name)
			}
			return m.succeed(ctx, s, name, r, f, s.service.Rotate)
		})
	})
}

// toRotate are the rows that the arguments mean; with all those of the store's own
// keys that sign and are not being rotated, with due those whose time has come.
func (s *store) toRotate(ctx context.Context, args []string, all, due bool) ([]string, error) {
	switch {
	case due && len(args) == 0:
		return s.service.RotationDue(ctx)
	case due || !all || len(args) > 0:
		return s.chosen(ctx, args, all || due)
	}
	var names []string
	err := s.every(ctx, func(r domains.Row) error {
		if w := r.Status.Word; (w == "connected" || w == "check-dns") && !r.Domain.Watched() && r.Domain.Publish != domains.PublishCNAMEShared {
			names = append(names, r.Domain.Name)
		}
		return nil
	})
	return names, err
}

// each gives every row its turn, whatever became of the others. An error that is
// none of its row's ends it.
func (m *managing) each(names []string, work func(name string) error) error {
	var last *exitError
	for _, name := range names {
		err := outcome(work(name))
		if err == nil || len(names) == 1 {
			if err != nil {
				return err
			}
			continue
		}
		var exit *exitError
		if !errors.As(err, &exit) || exit.code > exitUsage {
			return err
		}
		if exit.err != nil {
			fmt.Fprintf(m.err, "postseal: %s: %v\n", records.Both(name), exit.err)
		}
		if last == nil || exit.code > last.code {
			last = &exitError{code: exit.code}
		}
	}
	if last == nil {
		return nil
	}
	return last
}

func (m *managing) abort(ctx context.Context, s *store, name string) error {
	gone, err := s.service.Abort(ctx, s.actor, name)
	if err != nil {
		return err
	}
	for _, k := range gone {
		fmt.Fprintf(m.out, "%s: gave up %s; its record may be removed\n", records.Both(name), k.Selector)
	}
	return m.printStatus(ctx, s, name)
}
