package logging

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"
)

// journalHandler sends each line to the journal, with one field for each attribute
// (POSTSEAL_QUEUE_ID for queue_id) and the whole line as MESSAGE. What the journal
// does not take goes to spare.
type journalHandler struct {
	to     *journal
	level  slog.Leveler
	text   slog.Handler // writes MESSAGE into to.message
	spare  slog.Handler
	alone  bool   // spare does not lead to the same journal
	fields []byte // of WithAttrs
	group  string // "OUTER_INNER_" of WithGroup
}

func newJournalHandler(socket string, spare slog.Handler, alone bool, opts *slog.HandlerOptions) *journalHandler {
	to := &journal{path: socket, now: time.Now}
	text := slog.NewTextHandler(&to.message, &slog.HandlerOptions{Level: opts.Level, ReplaceAttr: withoutWhatTheJournalHas})
	return &journalHandler{to: to, level: opts.Level, text: text, spare: spare, alone: alone}
}

// withoutWhatTheJournalHas drops time and level: each entry has them.
func withoutWhatTheJournalHas(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
		return slog.Attr{}
	}
	return a
}

func (h *journalHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

func (h *journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.fields = append([]byte(nil), h.fields...)
	for _, a := range attrs {
		with.fields = appendAttr(with.fields, h.group, a)
	}
	with.text, with.spare = h.text.WithAttrs(attrs), h.spare.WithAttrs(attrs)
	return &with
}

func (h *journalHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.group += name + "_"
	with.text, with.spare = h.text.WithGroup(name), h.spare.WithGroup(name)
	return &with
}

// Handle sends a line. The error says that it is lost: nobody took it.
func (h *journalHandler) Handle(ctx context.Context, r slog.Record) error {
	err, first := h.send(ctx, r)
	if err == nil {
		return nil
	}
	if !h.alone && errors.Is(err, os.ErrDeadlineExceeded) {
		h.to.lost.Add(1)
		return err // the other way to a journal that is stuck would hold us up without end
	}
	if first {
		notice := slog.NewRecord(time.Now(), slog.LevelWarn, "the journal takes no lines, they go to standard error", 0)
		notice.Add("error", err)
		_ = h.spare.Handle(ctx, notice) // the line itself tells whether this way is open
	}
	return h.spare.Handle(ctx, r)
}

// send gives a record to the journal. first is set when the line before could still
// be sent.
func (h *journalHandler) send(ctx context.Context, r slog.Record) (err error, first bool) {
	h.to.mu.Lock()
	defer h.to.mu.Unlock()
	data, err := h.encode(ctx, r)
	if err != nil {
		return err, false
	}
	first = h.to.failure == nil
	if err := h.to.send(data); err != nil {
		return err, first
	}
	if lost := h.to.lost.Swap(0); lost > 0 {
		notice := slog.NewRecord(time.Now(), slog.LevelWarn, "lines are missing, the journal did not take them", 0)
		notice.Add("lost", lost)
		if data, err := h.encode(ctx, notice); err == nil {
			_ = h.to.send(data)
		}
	}
	return nil, false
}

// encode writes an entry into the journal's buffers, which are locked.
func (h *journalHandler) encode(ctx context.Context, r slog.Record) ([]byte, error) {
	h.to.message.Reset()
	if err := h.text.Handle(ctx, r); err != nil {
		return nil, err
	}
	data := append(h.to.data[:0], "SYSLOG_IDENTIFIER=postseal\nSYSLOG_FACILITY=2\n"...) // mail (RFC 5424 6.2.1)
	data = appendField(data, "PRIORITY", string(priority(r.Level)))
	data = appendField(data, "MESSAGE", string(h.to.message.line()))
	data = appendField(data, fieldPrefix+"MSG", r.Message)
	data = append(data, h.fields...)
	r.Attrs(func(a slog.Attr) bool {
		data = appendAttr(data, h.group, a)
		return true
	})
	h.to.data = data
	return data, nil
}
