package milter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"syscall"
	"time"
)

// connection is one connection of an MTA: the reader, the dialog, and the writer between them.
type connection struct {
	net.Conn
	cancel context.CancelFunc
	server *Server
	dialog dialog
	reader reader
}

// newConnection prepares a connection. It does not read yet.
func newConnection(s *Server, nc net.Conn, id uint64, limits Limits, w wish) *connection {
	c := &connection{Conn: nc, server: s}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	c.reader = reader{source: newSource(nc, limits, &s.stopping), limits: limits}
	c.dialog = dialog{
		Conn:    &Conn{id: id, ctx: ctx, local: nc.LocalAddr(), remote: nc.RemoteAddr()},
		handler: s.Handler,
		wish:    w,
		log:     s.log().With("connection", id),
		send:    c.send,
	}
	return c
}

// serve handles packets until the connection ends.
func (c *connection) serve() {
	defer c.cancel()
	defer c.Close()
	defer c.contain()
	err := c.run()
	c.dialog.end()
	c.reader.drop()
	c.report(err)
}

// contain keeps an error of this package, which no Session's guard catches, from ending more than one connection.
func (c *connection) contain() {
	if value := recover(); value != nil {
		c.dialog.log.Error("milter: internal error, connection closed", "panic", fmt.Sprint(value), "stack", string(debug.Stack()))
	}
}

func (c *connection) run() error {
	for {
		c.reader.wait = forPacket
		if !c.dialog.busy() {
			c.reader.wait = forMessage
		}
		p, err := c.reader.next()
		if err != nil {
			return err
		}
		if err := c.dialog.handle(p); err != nil {
			return err
		}
	}
}

// send writes to the MTA, once.
func (c *connection) send(p []byte) error {
	c.SetWriteDeadline(time.Now().Add(c.reader.limits.WriteTimeout))
	_, err := c.Write(p)
	return err
}

// report logs why a connection ended. An end between messages is no news: Sendmail, clients that probe the port, and a server that stops all do that.
func (c *connection) report(err error) {
	level := slog.LevelWarn
	switch {
	case errors.Is(err, errRefused):
		level = slog.LevelError
	case errors.Is(err, errQuit), errors.Is(err, errStopped), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, syscall.ECONNRESET):
		level = slog.LevelDebug
	}
	c.dialog.log.Log(context.Background(), level, "milter: connection closed", "remote", remoteName(c.Conn), "phase", c.dialog.phase.where(), "cause", err.Error())
}

// remoteName is the peer's address for the log; a client of a Unix socket has none.
func remoteName(c net.Conn) string {
	if a := c.RemoteAddr(); a != nil && a.String() != "" {
		return a.String()
	}
	return "unix"
}
