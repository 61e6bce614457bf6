package sink

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strings"
)

// What EHLO announces, by a server of today and by one that has never heard of RFC 6152.
const (
	extensions         = "250-sink.lab.test\r\n250-PIPELINING\r\n250-SIZE 0\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250 HELP\r\n"
	sevenBitExtensions = "250-sink.lab.test\r\n250-PIPELINING\r\n250-SIZE 0\r\n250-ENHANCEDSTATUSCODES\r\n250 HELP\r\n"
)

// serve speaks the server's side of RFC 5321 until QUIT or the connection's end.
func (s *Sink) serve(c net.Conn, extensions string) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 1<<16)
	say := func(reply string) { _, _ = io.WriteString(c, reply+"\r\n") }
	say("220 sink.lab.test ESMTP")
	m := new(Message)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, argument, _ := strings.Cut(line, ":")
		switch verb = strings.ToUpper(verb); {
		case strings.HasPrefix(verb, "EHLO"):
			_, _ = io.WriteString(c, extensions)
		case verb == "MAIL FROM":
			m = &Message{From: path(argument)}
			say("250 2.1.0 ok")
		case verb == "RCPT TO" && strings.HasPrefix(argument, "<reject@"):
			say("550 5.1.1 no such user")
		case verb == "RCPT TO":
			m.To = append(m.To, path(argument))
			say("250 2.1.5 ok")
		case verb == "DATA":
			say("354 go on")
			if m.Data, err = readData(r); err != nil {
				return
			}
			s.keep(m)
			m = new(Message)
			say("250 2.0.0 kept")
		case verb == "QUIT":
			say("221 2.0.0 bye")
			return
		default: // HELO, RSET, NOOP
			m = new(Message)
			say("250 2.0.0 ok")
		}
	}
}

// readData reads up to the lone dot and undoes dot-stuffing (RFC 5321, 4.5.2), nothing else.
func readData(r *bufio.Reader) ([]byte, error) {
	var data []byte
	atStart := true
	for {
		part, err := r.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull {
			return nil, err
		}
		if atStart && bytes.Equal(part, []byte(".\r\n")) {
			return data, nil
		}
		if atStart && part[0] == '.' {
			part = part[1:]
		}
		data = append(data, part...)
		atStart = err == nil
	}
}
