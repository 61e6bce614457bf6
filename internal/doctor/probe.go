package doctor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/postseal/postseal/milter"
)

// maxConversation is how long a milter has to answer. Postfix gives a connection 30 s; one that needs more than this is stuck.
const maxConversation = 5 * time.Second

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// errNoMilter says that something answered that does not speak the protocol.
var errNoMilter = errors.New("what answers is no milter")

// probe connects as an MTA does, offers what Postfix and Sendmail offer, and hangs up after the answer.
func probe(ctx context.Context, at Endpoint) (s Socket) {
	ctx, cancel := context.WithTimeout(ctx, maxConversation)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, at.Network, at.Address)
	if err != nil {
		s.Err = err
		return s
	}
	defer conn.Close()
	s.Reached, s.Program = true, listeningProgram(conn)
	deadline, _ := ctx.Deadline()
	if s.Err = conn.SetDeadline(deadline); s.Err == nil {
		s.Answer, s.Err = negotiate(conn)
	}
	return s
}

// negotiate plays the beginning of a conversation (SMFIC_OPTNEG, then SMFIC_QUIT).
func negotiate(conn io.ReadWriter) (a Answer, err error) {
	const version, actions, steps = 6, 0x1ff, 0x1fffff // as Postfix 3.7 and Sendmail 8.17 offer
	offer := []byte{byte(milter.CmdNegotiate)}
	for _, n := range []uint32{version, actions, steps} {
		offer = binary.BigEndian.AppendUint32(offer, n)
	}
	if err := writePacket(conn, offer); err != nil {
		return a, err
	}
	var length [4]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return a, fmt.Errorf("%w: %w", errNoMilter, err)
	}
	n := binary.BigEndian.Uint32(length[:])
	if n < 13 || n > maxAnswer {
		return a, fmt.Errorf("%w: it begins with %q", errNoMilter, length)
	}
	answer := make([]byte, n)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return a, fmt.Errorf("%w: %w", errNoMilter, err)
	}
	if answer[0] != byte(milter.CmdNegotiate) {
		return a, fmt.Errorf("%w: it answers with the command %q", errNoMilter, answer[0])
	}
	a.Version = binary.BigEndian.Uint32(answer[1:])
	a.Actions = milter.Action(binary.BigEndian.Uint32(answer[5:]))
	return a, writePacket(conn, []byte{byte(milter.CmdQuit)})
}

func writePacket(w io.Writer, packet []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(packet))), packet...))
	return err
}
