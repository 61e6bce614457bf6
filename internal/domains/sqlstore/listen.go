package sqlstore

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	rereadEvery  = 30 * time.Second // ruling 37: a NOTIFY that got lost, a pooler that passes none on
	reconnectMax = 5 * time.Second
	reconnectMin = 100 * time.Millisecond
)

// listener hears PostgreSQL's NOTIFY on a connection of its own.
type listener struct {
	config *pgx.ConnConfig
	log    *slog.Logger
	name   string
}

// run calls changed for each notification, after each connect, since one may have been missed, every rereadEvery, and each
// time that there is no connection.
func (l *listener) run(ctx context.Context, changed func()) {
	wait := reconnectMin
	lost := false
	for {
		err := l.connected(ctx, func() {
			if lost {
				l.log.Info("the store is back", "store", l.name)
			}
			lost, wait = false, reconnectMin
			changed()
		})
		if ctx.Err() != nil {
			return
		}
		if !lost {
			l.log.Warn("the store does not tell of changes: connecting again until it does", "store", l.name, "error", err)
			lost = true
		}
		changed() // whoever looks finds out whether the store is away
		if !pause(ctx, wait) {
			return
		}
		wait = min(2*wait, reconnectMax)
	}
}

// connected listens until its connection fails.
func (l *listener) connected(ctx context.Context, changed func()) error {
	conn, err := pgx.ConnectConfig(ctx, l.config.Copy())
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		conn.Close(ctx)
	}()
	if err := within(ctx, func(ctx context.Context) error { _, err := conn.Exec(ctx, "LISTEN postseal"); return err }); err != nil {
		return err
	}
	changed()
	for {
		waiting, cancel := context.WithTimeout(ctx, rereadEvery)
		_, err := conn.WaitForNotification(waiting)
		quiet := errors.Is(waiting.Err(), context.DeadlineExceeded)
		cancel()
		if err != nil {
			if !quiet || ctx.Err() != nil {
				return err
			}
			if err := within(ctx, conn.Ping); err != nil { // a server that vanished without a word
				return err
			}
		}
		changed()
	}
}

func within(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return f(ctx)
}
