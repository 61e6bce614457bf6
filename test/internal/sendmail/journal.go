package sendmail

import (
	"bytes"
	"net"
	"os"
	"sync"
)

// journal is the syslog daemon: Sendmail logs nowhere else.
type journal struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

// listen receives what is written to the socket path.
func listen(path string) (*journal, error) {
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: path})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o666); err != nil {
		return nil, err
	}
	j := new(journal)
	go func() {
		datagram := make([]byte, 1<<16)
		for {
			n, err := conn.Read(datagram)
			if err != nil {
				return
			}
			j.mu.Lock()
			j.lines.Write(bytes.TrimRight(datagram[:n], "\x00\n"))
			j.lines.WriteByte('\n')
			j.mu.Unlock()
		}
	}()
	return j, nil
}

func (j *journal) text() []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	return bytes.Clone(j.lines.Bytes())
}
