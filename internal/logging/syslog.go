package logging

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"syscall"
)

// priority is the syslog severity of a level (RFC 5424 6.2.1).
func priority(level slog.Level) byte {
	return [...]byte{'7', '6', '4', '3'}[step(level)]
}

// textHandler writes key=value lines, each after its "<6>" where that is wanted
// (sd-daemon(3)): whoever reads the stream takes the severity from it.
func textHandler(w io.Writer, opts *slog.HandlerOptions, prefixed bool) slog.Handler {
	if !prefixed {
		return slog.NewTextHandler(w, opts)
	}
	p := &prefixer{w: w}
	return &prefixedHandler{slog.NewTextHandler(p, opts), p}
}

// prefixer writes each line in one piece with its prefix.
type prefixer struct {
	mu       sync.Mutex
	w        io.Writer
	priority byte
	line     bytes.Buffer
}

func (p *prefixer) Write(line []byte) (int, error) {
	p.line.Reset()
	p.line.Write([]byte{'<', p.priority, '>'})
	p.line.Write(line)
	_, err := p.w.Write(p.line.Bytes())
	return len(line), err
}

type prefixedHandler struct {
	slog.Handler
	to *prefixer
}

func (h *prefixedHandler) Handle(ctx context.Context, r slog.Record) error {
	h.to.mu.Lock()
	defer h.to.mu.Unlock()
	h.to.priority = priority(r.Level)
	return h.Handler.Handle(ctx, r)
}

func (h *prefixedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &prefixedHandler{h.Handler.WithAttrs(attrs), h.to}
}

func (h *prefixedHandler) WithGroup(name string) slog.Handler {
	return &prefixedHandler{h.Handler.WithGroup(name), h.to}
}

// isJournal tells whether a stream leads to the journal: systemd says which one does
// in JOURNAL_STREAM (systemd.exec(5)), and a redirection may have come after.
func isJournal(w io.Writer) bool {
	if s, ok := w.(*stream); ok {
		w = s.file
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	var device, inode uint64
	if _, err := fmt.Sscanf(os.Getenv("JOURNAL_STREAM"), "%d:%d", &device, &inode); err != nil {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Dev == device && stat.Ino == inode
}
