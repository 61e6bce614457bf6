package miltertest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/postseal/postseal/milter"
)

// Timeout bounds each wait for the filter, unless MTA.Timeout says otherwise.
const Timeout = time.Minute

// MTA is a connection of an MTA to a filter. It is for one goroutine.
type MTA struct {
	Conn     net.Conn
	Style    Style
	Timeout  time.Duration     // of one read or write; 0 is the constant Timeout
	Client   Client            // who speaks to the MTA in Send
	HeloName string            // what it says in Send
	Macros   map[string]string // all macros that the MTA knows in Send, by name, braces included where they belong ("i", "{auth_authen}")

	answer  Answer
	greeted bool // CONNECT and HELO were sent by Send
}

// New gives an MTA for a connection that exists.
func New(conn net.Conn) *MTA {
	return &MTA{
		Conn:     conn,
		Client:   Client{Host: "client.example", Family: milter.FamilyIPv4, Port: 40000, Addr: "192.0.2.1"},
		HeloName: "client.example",
		Macros: map[string]string{
			"j": "mx.example.net", "{daemon_name}": "mx.example.net", "{daemon_addr}": "192.0.2.25", "v": "Postfix 3.7.11", "_": "client.example [192.0.2.1]",
			"i": "4XyZ1234",
		},
	}
}

// Dial connects to a filter.
func Dial(network, address string) (*MTA, error) {
	conn, err := net.DialTimeout(network, address, Timeout)
	if err != nil {
		return nil, err
	}
	return New(conn), nil
}

// Close closes the connection without a word.
func (m *MTA) Close() error { return m.Conn.Close() }

// Answer is what the filter answered to the negotiation.
func (m *MTA) Answer() Answer { return m.answer }

// Write sends bytes as they are.
func (m *MTA) Write(p []byte) error {
	m.Conn.SetWriteDeadline(time.Now().Add(m.timeout()))
	_, err := m.Conn.Write(p)
	return err
}

// Packet is the wire form of a command and its data.
func Packet(cmd milter.Command, data ...byte) []byte {
	p := binary.BigEndian.AppendUint32(nil, uint32(len(data))+1)
	return append(append(p, byte(cmd)), data...)
}

// Command sends a command with its data and awaits nothing.
func (m *MTA) Command(cmd milter.Command, data ...byte) error { return m.Write(Packet(cmd, data...)) }

// ReadPacket reads whatever the filter sends: a code and its data.
func (m *MTA) ReadPacket() (code byte, data []byte, err error) {
	m.Conn.SetReadDeadline(time.Now().Add(m.timeout()))
	var head [5]byte
	if _, err := io.ReadFull(m.Conn, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < 1 || size > 1<<20 {
		return 0, nil, fmt.Errorf("miltertest: packet of length %d from the filter", size)
	}
	data = make([]byte, size-1)
	_, err = io.ReadFull(m.Conn, data)
	return head[4], data, err
}

// Quiet tells whether the filter sends nothing for a while: a packet that nobody awaits is an error.
func (m *MTA) Quiet(wait time.Duration) error {
	m.Conn.SetReadDeadline(time.Now().Add(wait))
	var b [1]byte
	n, err := m.Conn.Read(b[:])
	var timeout net.Error
	if n == 0 && errors.As(err, &timeout) && timeout.Timeout() {
		return nil
	}
	return fmt.Errorf("miltertest: the filter is not quiet: %d bytes, error %v", n, err)
}

func (m *MTA) timeout() time.Duration {
	if m.Timeout > 0 {
		return m.Timeout
	}
	return Timeout
}
