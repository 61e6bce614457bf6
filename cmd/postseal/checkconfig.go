package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/daemon"
)

func newCheckConfig(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check-config",
		Short: "Check configuration, tables and keys, and list every problem",
		Long: `Reads what serve would read, every key included, without starting anything,
and lists all problems at once. Looks into the store, too, for customers whose CNAME
records point out of [key_zone]. Exits 78 when there are problems, 1 with warnings only.`,
		Args: cobra.NoArgs,
	}
	path := configFlag(cmd)
	printIt := cmd.Flags().Bool("print", false, "print the effective configuration, defaults included")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, formErr := loadConfig(*path, "")
		if cfg == nil {
			return configError(formErr)
		}
		if *printIt {
			if err := cfg.Print(io.out); err != nil {
				return failed(err)
			}
		}
		snapshot, err := daemon.BuildOnce(cfg)
		if err := errors.Join(formErr, err); err != nil {
			return configError(err)
		}
		problems, warnings := daemon.AllProblems(cmd.Context(), snapshot)
		problems = append(problems, unreadableByService(cfg)...)
		for _, w := range cfg.Warnings() {
			warnings = append(warnings, w)
		}
		warnings = append(warnings, strandedCustomers(cmd.Context(), io, cfg)...) // last: root becomes the store's owner
		for _, w := range warnings {
			fmt.Fprintf(io.err, "postseal: warning: %v\n", w)
		}
		if len(problems) > 0 {
			return configError(fmt.Errorf("rows that cannot work (serve runs without them):\n%w", errors.Join(problems...)))
		}
		if !*printIt {
			fmt.Fprintf(io.out, "%s: ok, %d keys, %d signing rows\n", *path, snapshot.Tables.KeyCount(), snapshot.Tables.RowCount())
		}
		if len(warnings) > 0 {
			return &exitError{code: exitWarnings}
		}
		return nil
	}
	return cmd
}

// strandedCustomers warns of a key zone that got another name while CNAME records still point
// to the one before. A store that cannot be looked at is no fault of the configuration.
func strandedCustomers(ctx context.Context, io stdio, cfg *config.Config) []error {
	count, names, err := stranded(ctx, cfg)
	switch {
	case err != nil:
		fmt.Fprintf(io.err, "postseal: the store was not looked at: %v\n", err)
		return nil
	case count == 0:
		return nil
	}
	text := strings.Join(names, ", ")
	if count > len(names) {
		text += " …"
	}
	return []error{cfg.Problem("key_zone", "put the name of before into key_zone.former until all have followed",
		"%d CNAME records of customers point into no zone of [key_zone], and nothing will be served there: %s", count, text)}
}

func stranded(ctx context.Context, cfg *config.Config) (count int, names []string, err error) {
	if there, err := storeIsThere(cfg.Store.URL); !there {
		return 0, nil, err
	}
	borrowCredential(cfg.Store)
	if err := becomeOwner(cfg.Store.URL); err != nil {
		return 0, nil, err
	}
	store, err := daemon.Inspect(ctx, cfg)
	if err != nil {
		return 0, nil, err
	}
	count, names, err = store.Stranded(ctx)
	return count, names, errors.Join(err, store.Close())
}
