package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	wire "github.com/miekg/dns"
)

const (
	udpSize    = 1232 // what we say that we can take (DNS flag day 2020)
	udpBuffer  = 4096 // for a server that does not care
	maxStrays  = 64   // packets that are no answer to our question, before we stop to listen
	udp, tcp   = "udp", "tcp"
	pastMoment = 1 // of Unix time: as a deadline it ends all reading and writing
)

// question asks for TXT records. AD in a question asks for AD in the answer without the signatures (RFC 6840 section 5.7).
func question(name string) *wire.Msg {
	q := new(wire.Msg).SetQuestion(wire.Fqdn(name), wire.TypeTXT)
	q.AuthenticatedData = true
	q.SetEdns0(udpSize, false)
	return q
}

// Exchange asks one server, HOST:PORT, one question over one network ("udp", "tcp") and returns the answer to this question, whatever it
// says. Over UDP it may be cut short (Truncated). The question must have a random ID and one entry.
func Exchange(ctx context.Context, network, server string, q *wire.Msg, timeout time.Duration) (*wire.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	start, strays := time.Now(), 0
	reply, err := converse(ctx, network, server, q, &strays)
	switch {
	case err == nil:
		return reply, nil
	case isTimeout(err):
		err = &timeoutError{time.Since(start).Round(time.Millisecond), strays}
	default:
		var op *net.OpError
		if errors.As(err, &op) { // who and where is said by Try
			err = op.Err
		}
	}
	return nil, err
}

func converse(ctx context.Context, network, server string, q *wire.Msg, strays *int) (*wire.Msg, error) {
	var dialer net.Dialer
	plain, err := dialer.DialContext(ctx, network, server)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	stop := context.AfterFunc(ctx, func() { _ = plain.SetDeadline(time.Unix(pastMoment, 0)) })
	defer stop()
	conn := &wire.Conn{Conn: plain, UDPSize: udpBuffer}
	if err := conn.WriteMsg(q); err != nil {
		return nil, err
	}
	for {
		packet, err := conn.ReadMsgHeader(nil)
		var reply *wire.Msg
		if err == nil {
			reply, err = readAnswer(packet, q)
		} else if errors.Is(err, wire.ErrShortRead) {
			err = errStray
		}
		if err != errStray {
			return reply, err
		}
		// Who wants to slip us an answer guesses many times: the true one may be behind.
		if *strays++; network == tcp || *strays == maxStrays {
			return nil, answerError("no answer to our question among those that came")
		}
	}
}

// errStray is a packet that is no answer to our question.
var errStray = errors.New("stray packet")

// readAnswer reads an answer to q.
func readAnswer(packet []byte, q *wire.Msg) (*wire.Msg, error) {
	reply := new(wire.Msg)
	err := reply.Unpack(packet)
	switch {
	case reply.Id != q.Id || !reply.Response || reply.Opcode != q.Opcode:
		return nil, errStray
	case err != nil && reply.Truncated:
		return reply, nil // nothing but TC matters
	case err != nil || !isWhole(packet, reply):
		return nil, answerError("malformed answer")
	case len(reply.Question) == 0 && isFailure(reply.Rcode):
		return reply, nil // an old server that did not understand us
	case len(reply.Question) != 1 || !sameQuestion(reply.Question[0], q.Question[0]):
		return nil, errStray
	}
	return reply, nil
}

// isWhole sees that an answer has the records that it announces (RFC 1035 section 4.1.1, ANCOUNT and NSCOUNT). The library takes a message
// that ends too early, which would say that there is no record.
func isWhole(packet []byte, reply *wire.Msg) bool {
	answers, authority := binary.BigEndian.Uint16(packet[6:]), binary.BigEndian.Uint16(packet[8:])
	return len(reply.Answer) == int(answers) && len(reply.Ns) == int(authority)
}

func sameQuestion(a, b wire.Question) bool {
	return a.Qtype == b.Qtype && a.Qclass == b.Qclass && len(a.Name) == len(b.Name) && strings.EqualFold(a.Name, b.Name)
}

func isFailure(rcode int) bool { return rcode != wire.RcodeSuccess && rcode != wire.RcodeNameError }

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// timeoutError is a server that did not answer.
type timeoutError struct {
	after  time.Duration
	strays int
}

func (e *timeoutError) Error() string {
	if e.strays > 0 {
		return fmt.Sprintf("no answer within %v (packets that were none: %d)", e.after, e.strays)
	}
	return fmt.Sprintf("no answer within %v", e.after)
}

func (e *timeoutError) Timeout() bool { return true }
