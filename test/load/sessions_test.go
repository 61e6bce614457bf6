package load

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/miltertest"
)

// sessions are the kinds of sessions that a milter meets in time. Each opens
// connections of its own and closes them, or has them closed.
var sessions = map[string]func(*scene) error{
	"signed":              func(s *scene) error { return s.several(100, "ada@example.com", 2) },
	"without a key":       func(s *scene) error { return s.several(100, "ada@elsewhere.example", 0) },
	"dropped":             (*scene).dropped,
	"aborted":             (*scene).aborted,
	"QUIT_NC":             (*scene).quitNC,
	"header too long":     (*scene).headerTooLong,
	"packet too long":     (*scene).packetTooLong,
	"framing lost":        (*scene).framingLost,
	"refused":             (*scene).refusedMTA,
	"body in many pieces": (*scene).manyPieces,
}

// endedByTime are those that the daemon ends when they have had their time.
var endedByTime = map[string]func(*scene) error{
	"stuck in a packet": (*scene).stuck,
	"never reads":       (*scene).neverReads,
}

// several sends messages on one connection, each of which gets that many signatures.
func (s *scene) several(messages int, from string, signatures int) error {
	mta, err := s.daemon.dial()
	if err != nil {
		return err
	}
	for range messages {
		if err := s.sendPlain(mta, mail(from), signatures); err != nil {
			return err
		}
	}
	return mta.Quit()
}

// sendPlain sends a message without a look at what the signatures are.
func (s *scene) sendPlain(mta *miltertest.MTA, m miltertest.Message, signatures int) error {
	result, err := mta.Send(m)
	if err == nil && (result.Reply.Code != 'a' || len(result.Modifications) != signatures) {
		err = fmt.Errorf("reply %v, %d signatures", result.Reply, len(result.Modifications))
	}
	return err
}

// parts of a session, in their order.
var parts = []func(*miltertest.MTA) error{
	func(mta *miltertest.MTA) error { _, err := mta.Negotiate(miltertest.PostfixOffer); return err },
	func(mta *miltertest.MTA) error { return mta.Macro(milter.CmdConnect, "j", "mx.example.net") },
	func(mta *miltertest.MTA) error { _, err := mta.Connect(local); return err },
	func(mta *miltertest.MTA) error { _, err := mta.Helo("localhost"); return err },
	func(mta *miltertest.MTA) error { _, err := mta.Mail("<ada@example.com>"); return err },
	func(mta *miltertest.MTA) error { _, err := mta.Rcpt("<b@example.net>"); return err },
	func(mta *miltertest.MTA) error { _, err := mta.Header("From", " ada@example.com"); return err },
	func(mta *miltertest.MTA) error { _, err := mta.EOH(); return err },
	func(mta *miltertest.MTA) error { _, err := mta.Body([]byte("Hello\r\n")); return err },
	func(mta *miltertest.MTA) error {
		return mta.Write(miltertest.Packet(milter.CmdBody, []byte("Hello")...)[:7])
	}, // half
}

// upTo opens a connection and plays the first parts.
func (s *scene) upTo(n int) (*miltertest.MTA, error) {
	mta, err := miltertest.Dial("unix", s.daemon.socket)
	if err != nil {
		return nil, err
	}
	for _, part := range parts[:n] {
		if err := part(mta); err != nil {
			mta.Close()
			return nil, err
		}
	}
	return mta, nil
}

// How far the parts go.
const (
	negotiated = 1
	enveloped  = 6
	headed     = 8
	bodied     = 9
)

// dropped goes away without a word after each part, or before it hears the answer.
func (s *scene) dropped() error {
	for n := range len(parts) + 1 {
		mta, err := s.upTo(n)
		if err != nil {
			return err
		}
		mta.Close()
	}
	mta, err := s.upTo(bodied)
	if err != nil {
		return err
	}
	defer mta.Close()
	return mta.Command(milter.CmdEOM)
}

func (s *scene) aborted() error {
	mta, err := s.upTo(enveloped - 2)
	if err != nil {
		return err
	}
	for range 10 {
		for _, part := range parts[enveloped-2 : bodied] {
			if err := part(mta); err != nil {
				return err
			}
		}
		if err := mta.Abort(); err != nil {
			return err
		}
	}
	return mta.Quit()
}

func (s *scene) quitNC() error {
	mta, err := s.daemon.dial()
	if err != nil {
		return err
	}
	for range 10 {
		if err := s.sendPlain(mta, mail("ada@example.com"), 2); err != nil {
			return err
		}
		if err := mta.QuitNC(); err != nil {
			return err
		}
	}
	return mta.Quit()
}

// headerTooLong has a header over limits.header_bytes: the message goes unsigned.
func (s *scene) headerTooLong() error {
	mta, err := s.daemon.dial()
	if err != nil {
		return err
	}
	m := mail("ada@example.com")
	m.Raw = append([]byte(strings.Repeat("X: "+strings.Repeat("x", 60_000)+"\r\n", 20)), m.Raw...)
	return errors.Join(s.sendPlain(mta, m, 0), mta.Quit())
}

// packetTooLong has a chunk over limits.frame_bytes: the message goes unsigned, the
// ones around it signed.
func (s *scene) packetTooLong() error {
	mta, err := s.daemon.dial()
	if err != nil {
		return err
	}
	if err := s.sendPlain(mta, mail("ada@example.com"), 2); err != nil {
		return err
	}
	for _, part := range parts[enveloped-2 : headed] {
		if err := part(mta); err != nil {
			return err
		}
	}
	if err := mta.Command(milter.CmdBody, make([]byte, 1<<20+1)...); err != nil {
		return err
	}
	if mods, reply, err := mta.EOM(); err != nil || len(mods) > 0 || reply.Code != 'a' {
		return fmt.Errorf("%d changes, %v, %v", len(mods), reply, err)
	}
	return errors.Join(s.sendPlain(mta, mail("ada@example.com"), 2), mta.Quit())
}

// framingLost sends lengths that are none: the daemon closes the connection.
func (s *scene) framingLost() error {
	for _, length := range []string{"\x00\x00\x00\x00", "\xff\xff\xff\xff", "GET / HTTP/1.0\r\n\r\n"} {
		for _, after := range []int{0, negotiated, enveloped, headed} {
			mta, err := s.upTo(after)
			if err != nil {
				return err
			}
			if err := mta.Write([]byte(length)); err != nil {
				return err
			}
			if err := closed(mta); err != nil {
				return err
			}
		}
	}
	return nil
}

// stuck stops in a packet: the daemon closes the connection.
func (s *scene) stuck() error {
	mta, err := s.upTo(len(parts))
	if err != nil {
		return err
	}
	return closed(mta)
}

// neverReads sends message after message and reads no answer, until the daemon,
// which has an answer for each, closes the connection.
func (s *scene) neverReads() error {
	mta, err := s.upTo(enveloped - 2)
	if err != nil {
		return err
	}
	defer mta.Close()
	var many []byte
	for _, p := range [][]byte{
		miltertest.Packet(milter.CmdMail, []byte("<ada@example.com>\x00")...), miltertest.Packet(milter.CmdHeader, []byte("From\x00 ada@example.com\x00")...),
		miltertest.Packet(milter.CmdEOH), miltertest.Packet(milter.CmdEOM),
	} {
		many = append(many, p...)
	}
	for range 20_000 {
		if err := mta.Write(many); err != nil {
			return wantClosed(err)
		}
	}
	return errors.New("20,000 answers went nowhere")
}

// refusedMTA cannot add header fields.
func (s *scene) refusedMTA() error {
	mta, err := miltertest.Dial("unix", s.daemon.socket)
	if err != nil {
		return err
	}
	defer mta.Close()
	if _, err := mta.Negotiate(miltertest.Offer{Version: 6, Steps: miltertest.PostfixOffer.Steps}); err == nil {
		return errors.New("an MTA that cannot add header fields was accepted")
	}
	return nil
}

// manyPieces is a large message in chunks of few bytes.
func (s *scene) manyPieces() error {
	mta, err := s.upTo(headed)
	if err != nil {
		return err
	}
	for range 1000 {
		if err := mta.Write(miltertest.Packet(milter.CmdBody, []byte("Hello \r\n")...)); err != nil {
			return err
		}
	}
	if mods, reply, err := mta.EOM(); err != nil || len(mods) != 2 || reply.Code != 'a' {
		return fmt.Errorf("%d changes, %v, %v", len(mods), reply, err)
	}
	return mta.Quit()
}

// closed waits for the daemon to close the connection, and wants no answer.
func closed(mta *miltertest.MTA) error {
	defer mta.Close()
	code, _, err := mta.ReadPacket()
	if err == nil {
		return fmt.Errorf("answer %q", code)
	}
	return wantClosed(err)
}

func wantClosed(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}
