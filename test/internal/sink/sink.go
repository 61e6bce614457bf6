// Package sink is the next hop that an MTA delivers to: an SMTP server that keeps every message exactly as it came.
package sink

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/postseal/postseal/test/internal/await"
)

// Message is one delivered message.
type Message struct {
	From string   // reverse-path without angle brackets; empty for a bounce
	To   []string // forward-paths
	Data []byte   // as received: CRLF lines, dots unstuffed
}

// Header is Data up to and without the empty line.
func (m *Message) Header() []byte {
	header, _, _ := bytes.Cut(m.Data, []byte("\r\n\r\n"))
	return append(header[:len(header):len(header)], '\r', '\n') // a copy: others may read Data now
}

// Sink is a listening server.
type Sink struct {
	mu       sync.Mutex
	messages []*Message
}

// Listen serves on address until the process ends. Recipients whose local part is "reject" are refused with 550.
func Listen(address string) (*Sink, error) {
	s := new(Sink)
	return s, s.listen(address, extensions)
}

// ListenSevenBit serves on a further address too, where 8BITMIME is not announced.
func (s *Sink) ListenSevenBit(address string) error { return s.listen(address, sevenBitExtensions) }

func (s *Sink) listen(address, extensions string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c, extensions)
		}
	}()
	return nil
}

// Wait returns the first message, delivered by now or within await.Deadline, that wanted accepts.
func (s *Sink) Wait(what string, wanted func(*Message) bool) (*Message, error) {
	var found *Message
	seen := 0
	err := await.That("delivery of "+what, func() bool {
		s.mu.Lock()
		fresh := s.messages[seen:]
		s.mu.Unlock()
		for _, m := range fresh {
			seen++
			if wanted(m) {
				found = m
				return true
			}
		}
		return false
	})
	if err != nil {
		return nil, fmt.Errorf("%w (%d other messages came)", err, seen)
	}
	return found, nil
}

// Count tells how many of the messages so far wanted accepts.
func (s *Sink) Count(wanted func(*Message) bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, m := range s.messages {
		if wanted(m) {
			n++
		}
	}
	return n
}

// Forget drops what was delivered so far. Nobody may be waiting.
func (s *Sink) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = nil
}

func (s *Sink) keep(m *Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
}

// path takes "<a@b>" out of "<a@b> SIZE=5".
func path(argument string) string {
	p, _, _ := strings.Cut(strings.TrimPrefix(argument, "<"), ">")
	return p
}
