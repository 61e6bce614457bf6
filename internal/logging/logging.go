// Package logging makes the handlers behind the program's log: text and JSON on
// standard error, and systemd's journal with a field of its own for each attribute.
// All of them keep the names that docs/reasons.md lists.
package logging

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/postseal/postseal/internal/config"
)

// New makes the logger that the [log] table asks for. Lines go to w, but for those
// that the journal takes. Nobody is held up by a log that cannot be written: the
// counts say what was lost.
func New(w io.Writer, c config.Log) (*slog.Logger, *Counts) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: level}
	counts := new(Counts)
	return slog.New(&counted{handlerFor(w, c, opts), counts}), counts
}

func handlerFor(w io.Writer, c config.Log, opts *slog.HandlerOptions) slog.Handler {
	toJournal := isJournal(w)
	switch {
	case c.Format == "json":
		return slog.NewJSONHandler(w, opts)
	case c.Format == "journal":
		return newJournalHandler(journalSocket, textHandler(w, opts, toJournal), !toJournal, opts)
	}
	return textHandler(w, opts, c.SyslogPrefix == "always" || c.SyslogPrefix == "auto" && toJournal)
}

// Counts are the lines so far.
type Counts struct {
	levels [4]atomic.Uint64
	lost   atomic.Uint64
}

// Levels are those that lines are counted by, the least serious first.
var Levels = [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}

// Lines is the number of lines of a level, written or lost.
func (c *Counts) Lines(level slog.Level) uint64 { return c.levels[step(level)].Load() }

// Lost is the number of lines that could not be written anywhere.
func (c *Counts) Lost() uint64 { return c.lost.Load() }

// step is the place of a level in Levels.
func step(level slog.Level) int {
	switch {
	case level < slog.LevelInfo:
		return 0
	case level < slog.LevelWarn:
		return 1
	case level < slog.LevelError:
		return 2
	}
	return 3
}

// counted is a handler that counts.
type counted struct {
	slog.Handler
	counts *Counts
}

func (h *counted) Handle(ctx context.Context, r slog.Record) error {
	h.counts.levels[step(r.Level)].Add(1)
	err := h.Handler.Handle(ctx, r)
	if err != nil {
		h.counts.lost.Add(1)
	}
	return err
}

func (h *counted) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &counted{h.Handler.WithAttrs(attrs), h.counts}
}

func (h *counted) WithGroup(name string) slog.Handler {
	return &counted{h.Handler.WithGroup(name), h.counts}
}
