package update

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	wire "github.com/miekg/dns"
)

const (
	defaultTimeout = 10 * time.Second
	udpSize        = 1232
	fudge          = 300 // seconds, RFC 8945 section 10
)

// exchange sends a message and gives the answer to it, whose signature is that of the
// server. An answer that refuses may be unsigned, and is an error then.
func (s *Server) exchange(ctx context.Context, zone, name string, m *wire.Msg) (*wire.Msg, error) {
	timeout := s.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out, mac, err := s.pack(m)
	if err != nil {
		return nil, err
	}
	raw, err := s.carry(ctx, out)
	if err != nil {
		return nil, &UnreachableError{Server: s.Address, Zone: zone, Err: err}
	}
	answer := new(wire.Msg)
	if err := answer.Unpack(raw); err != nil {
		return nil, fmt.Errorf("%s: its answer cannot be read: %w", s.Address, err)
	}
	if answer.Id != m.Id || !answer.Response || answer.Opcode != m.Opcode {
		return nil, fmt.Errorf("%s: its answer is to another question", s.Address)
	}
	return answer, s.verify(raw, answer, mac, zone, name)
}

// pack writes a message with its transaction signature.
func (s *Server) pack(m *wire.Msg) (out []byte, mac string, err error) {
	if s.Key == nil {
		out, err = m.Pack()
		return out, "", err
	}
	m.SetTsig(wire.Fqdn(s.Key.Name), wire.Fqdn(s.Key.Algorithm), fudge, time.Now().Add(s.skew).Unix())
	return wire.TsigGenerate(m, s.Key.secret, "", false)
}

// verify is RFC 8945 section 5.4.
func (s *Server) verify(raw []byte, answer *wire.Msg, mac, zone, name string) error {
	if s.Key == nil {
		return nil
	}
	fault := &Error{Server: s.Address, Zone: zone, Name: name, Key: s.Key.Name, Rcode: answer.Rcode}
	tsig := answer.IsTsig()
	switch {
	case tsig == nil && answer.Rcode == wire.RcodeSuccess, tsig == nil && isFact(answer.Rcode):
		return fmt.Errorf("%s: its answer is not signed with the key %s, and cannot be believed; is it the name server that shares this key, and nothing in between?", s.Address, s.Key.Name)
	case tsig == nil:
		return fault
	case tsig.Error != wire.RcodeSuccess:
		fault.Rcode, fault.serverTime = int(tsig.Error), otherTime(tsig)
		return fault
	case answer.Rcode == wire.RcodeNotAuth: // of the zone: the library verifies no such answer
		return fault
	}
	if err := wire.TsigVerify(raw, s.Key.secret, mac, false); err != nil {
		return fmt.Errorf("%s: the signature of its answer is not right (%w); do both sides have the same secret for the key %s?", s.Address, err, s.Key.Name)
	}
	return nil
}

// isFact are the answers of which something follows about the zone.
func isFact(rcode int) bool {
	switch rcode {
	case wire.RcodeNameError, wire.RcodeYXDomain, wire.RcodeYXRrset, wire.RcodeNXRrset:
		return true
	}
	return false
}

// otherTime is the server's clock, which BADTIME tells (RFC 8945 section 5.2.3).
func otherTime(t *wire.TSIG) time.Time {
	octets, err := hex.DecodeString(t.OtherData)
	if err != nil || len(octets) != 6 {
		return time.Time{}
	}
	return time.Unix(int64(binary.BigEndian.Uint64(append([]byte{0, 0}, octets...))), 0).UTC()
}

// carry takes a message to the server and gives the answer.
func (s *Server) carry(ctx context.Context, out []byte) ([]byte, error) {
	if s.TCP || len(out) > udpSize {
		return s.overTCP(ctx, out)
	}
	raw, err := s.overUDP(ctx, out)
	if err == nil && raw[2]&2 != 0 { // truncated
		return s.overTCP(ctx, out)
	}
	return raw, err
}

func (s *Server) dial(ctx context.Context, network string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, s.Address)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		err = conn.SetDeadline(deadline)
	}
	return conn, err
}

func (s *Server) overTCP(ctx context.Context, out []byte) ([]byte, error) {
	conn, err := s.dial(ctx, "tcp")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := conn.Write(binary.BigEndian.AppendUint16(nil, uint16(len(out)))); err != nil {
		return nil, err
	}
	if _, err := conn.Write(out); err != nil {
		return nil, err
	}
	var length uint16
	if err := binary.Read(conn, binary.BigEndian, &length); err != nil {
		return nil, ended(err)
	}
	raw := make([]byte, length)
	_, err = io.ReadFull(conn, raw)
	if err == nil && length < headerSize {
		err = errShort
	}
	return raw, ended(err)
}

func (s *Server) overUDP(ctx context.Context, out []byte) ([]byte, error) {
	conn, err := s.dial(ctx, "udp")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := conn.Write(out); err != nil {
		return nil, err
	}
	raw := make([]byte, 65535)
	for {
		n, err := conn.Read(raw)
		if err != nil {
			return nil, err
		}
		if n >= headerSize && raw[0] == out[0] && raw[1] == out[1] { // else: of somebody who guesses, or late
			return raw[:n], nil
		}
	}
}

const headerSize = 12

var errShort = errors.New("an answer that is too short")

// ended puts a connection that was closed into words.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it closed the connection without an answer")
	}
	return err
}

// UnreachableError says that a server gave no answer in time. What was sent may have
// been done all the same.
type UnreachableError struct {
	Server, Zone string
	Err          error
}

func (e *UnreachableError) Error() string {
	text := e.Err.Error()
	var timeout net.Error
	if errors.As(e.Err, &timeout) && timeout.Timeout() || errors.Is(e.Err, context.DeadlineExceeded) {
		text = "no answer in time"
	}
	return fmt.Sprintf("the name server %s of %s cannot be reached: %s; see that it runs and that its port is open to this host", e.Server, e.Zone, strings.TrimSpace(text))
}

// NoAnswer tells those who ask many servers that this one is not worth waiting for.
func (e *UnreachableError) NoAnswer() bool { return true }

// Unwrap gives Err.
func (e *UnreachableError) Unwrap() error { return e.Err }
