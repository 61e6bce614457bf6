package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/daemon"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/logging"
	"github.com/postseal/postseal/internal/systemd"
)

func newServe(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the milter in the foreground",
		Long: `Runs the milter in the foreground and logs to standard error.

SIGHUP reads configuration, tables and keys anew, as one: if anything cannot be
read the old state stays in use. SIGTERM stops in order: messages that are under
way have limits.stop_timeout to end.`,
		Args: cobra.NoArgs,
	}
	path := configFlag(cmd)
	listenAddress := cmd.Flags().String("listen", "", "listen here instead of where the file says, with its first listener's mode")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *listenAddress != "" {
			if _, _, err := config.ParseAddress(*listenAddress); err != nil {
				return &exitError{exitUsage, fmt.Errorf("--listen: %w", err)}
			}
		}
		signal.Ignore(syscall.SIGPIPE) // whoever reads the log may go away; mail goes on
		load := func() (*config.Config, error) { return loadConfig(*path, *listenAddress) }
		cfg, err := load()
		if err != nil {
			return configError(err)
		}
		// Caught from before the listeners open: whoever finds us answering may
		// send SIGHUP, which would end a process that does not expect it.
		hangup := make(chan os.Signal, 1)
		signal.Notify(hangup, syscall.SIGHUP)
		defer signal.Stop(hangup)
		log, lines := logging.New(logging.WithPatience(io.err), cfg.Log)
		for _, w := range cfg.Warnings() {
			log.Warn("configuration", "problem", w.Error())
		}
		d, err := daemon.Open(load, log, daemon.Environment{
			Manager: systemd.NewManager(log), Sockets: systemd.TakeSockets(), LogLines: lines, Version: version,
		})
		var listening *daemon.ListenError
		switch {
		case errors.Is(err, domains.ErrUnavailable):
			return &exitError{exitTemporary, err} // so the unit tries again
		case errors.As(err, &listening):
			return failed(err) // may be better at the next try, so the unit restarts it
		case err != nil:
			return configError(err)
		}
		ctx, cancel := context.WithCancel(cmd.Context())
		defer cancel()
		go reloadOn(ctx, hangup, d, log)
		if err := d.Run(ctx); err != nil {
			return failed(err)
		}
		return nil
	}
	return cmd
}

// loadConfig reads the file; listen, when given, replaces its listeners and
// keeps the first one's mode.
func loadConfig(path, listen string) (*config.Config, error) {
	cfg, err := config.Load(path)
	if cfg == nil || listen == "" {
		return cfg, err
	}
	l := config.DefaultListener()
	l.Address, l.Mode = listen, cfg.Listeners[0].Mode
	cfg.Listeners = []config.Listener{l}
	return cfg, err
}

func reloadOn(ctx context.Context, hangup <-chan os.Signal, d *daemon.Daemon, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			if err := d.Reload(); err != nil {
				log.Error("reload failed, the old configuration stays in use", "error", err)
			} else {
				log.Info("reloaded")
			}
		}
	}
}
