package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/daemon"
)

func newCheckConfig(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check-config",
		Short: "Check configuration, tables and keys, and list every problem",
		Long: `Reads what serve would read, every key included, without starting anything,
and lists all problems at once. Exits 78 when there are any, 1 with warnings only.`,
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
