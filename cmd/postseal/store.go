package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/daemon"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
	"github.com/postseal/postseal/internal/domains/sources"
	"github.com/postseal/postseal/internal/logging"
)

// openStore opens the store of a configuration for one command.
type openStore func(ctx context.Context, io stdio, configPath string) (*store, error)

// store is what the verbs work on.
type store struct {
	service  *domains.Service
	actor    string // for the journal
	defaults config.Domains
	keyZone  config.KeyZone
	find     records.Finder
	// sources reads those of candidates; nil in tests of other things.
	sources func(ctx context.Context) []sources.Report
	sealed  interface { // nil in tests of other things
		Rekey(ctx context.Context) (int, error)
		Recipients() []string
	}
	now   func() time.Time
	wait  func(context.Context, time.Duration) error
	close func() error
}

// managing makes the commands that work on the store.
type managing struct {
	stdio
	open openStore
}

// verb gives a command its work. Arguments are checked before the store is opened.
func (m *managing) verb(cmd *cobra.Command, work func(ctx context.Context, s *store, args []string) error) *cobra.Command {
	path := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return m.withStore(cmd.Context(), *path, func(ctx context.Context, s *store) error { return work(ctx, s, args) })
	}
	return cmd
}

func (m *managing) withStore(ctx context.Context, path string, work func(context.Context, *store) error) error {
	s, err := m.open(ctx, m.stdio, path)
	if err != nil {
		return outcome(err)
	}
	err = work(ctx, s)
	if closeErr := s.close(); err == nil {
		err = closeErr
	}
	return outcome(err)
}

// outcome gives an error its exit code.
func outcome(err error) error {
	var exit *exitError
	var own interface{ ExitCode() int }
	switch {
	case err == nil, errors.As(err, &exit):
		return err
	case errors.As(err, &own):
		return &exitError{own.ExitCode(), err}
	case errors.Is(err, daemon.ErrNoStore):
		return configError(err)
	case errors.Is(err, domains.ErrUnavailable):
		return &exitError{exitTemporary, err}
	}
	return failed(err)
}

// openConfigured opens the store that the configuration names, as the user that
// the daemon runs as (ruling 32).
func openConfigured(ctx context.Context, io stdio, path string) (*store, error) {
	cfg, err := config.Load(path)
	if err != nil {
		return nil, configError(err)
	}
	actor := actorName()
	borrowCredential(cfg.Store)
	if err := becomeOwner(cfg.Store.URL); err != nil {
		return nil, err
	}
	log, _ := logging.New(io.err, config.Log{Format: "text", Level: "warn", SyslogPrefix: "never"})
	managed, err := daemon.OpenManaged(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	return &store{
		service: managed.Service, actor: actor, defaults: cfg.Domains, keyZone: cfg.KeyZone, sealed: managed.Store, now: time.Now, wait: pause, close: managed.Close,
		sources: func(ctx context.Context) []sources.Report {
			return sources.Read(ctx, sources.Host{}, cfg.Domains.Candidates, time.Now())
		},
		find: func(ctx context.Context, domain string) (string, []string, error) {
			ctx, cancel := context.WithTimeout(ctx, maxLocate)
			defer cancel()
			zone, err := managed.Locate(ctx, domain)
			return zone.Name, zone.NameServers, err
		},
	}, nil
}

// pause waits, or says why ctx has ended.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// maxLocate is how long the search for a zone may take: what it is for can be
// printed without.
const maxLocate = 8 * time.Second

// actorName is who acts, for the journal: "root", "ada", "ada as root".
func actorName() string {
	name := fmt.Sprint("uid ", os.Getuid())
	// user.Current would be remembered, and a database be asked as root.
	if u, err := user.LookupId(strconv.Itoa(os.Getuid())); err == nil {
		name = u.Username
	}
	if sudo := os.Getenv("SUDO_USER"); sudo != "" && os.Getuid() == 0 && len(sudo) <= 64 && !strings.ContainsAny(sudo, " \t\r\n") {
		return sudo + " as " + name
	}
	return name
}
