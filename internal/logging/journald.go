package logging

import (
	"bytes"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	journalSocket = "/run/systemd/journal/socket"
	// sendTimeout is how long a line may wait for a journal that is behind.
	sendTimeout = 100 * time.Millisecond
	// pause is how long a journal that failed is left in peace: without it, each
	// message would wait for sendTimeout.
	pause = time.Second
	// maxKept is the memory that stays for the next entry.
	maxKept = 64 << 10
)

// journal is the way to systemd's journal: one datagram for each entry.
//
// go-systemd's journal.Send waits without end when the journal is stuck, and mail
// would wait with it.
type journal struct {
	path string
	now  func() time.Time
	lost atomic.Uint64 // lines that nobody took, since the last one that was sent

	mu      sync.Mutex
	message messageBuffer
	data    []byte
	conn    *net.UnixConn
	failure error // why the last line was not sent
	retry   time.Time
}

// messageBuffer takes the text of one line.
type messageBuffer struct{ bytes.Buffer }

func (b *messageBuffer) line() []byte { return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}) }

// send sends an entry, or says why it cannot be sent now.
func (j *journal) send(entry []byte) error {
	if cap(j.data) > maxKept {
		j.data = nil
	}
	if j.failure != nil && j.now().Before(j.retry) {
		return j.failure
	}
	err := j.sendOn(entry)
	if err != nil && j.conn != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		j.conn.Close() // it may have a new socket
		j.conn = nil
		err = j.sendOn(entry)
	}
	if j.failure = err; err != nil {
		j.retry = j.now().Add(pause)
	}
	return err
}

func (j *journal) sendOn(entry []byte) (err error) {
	if j.conn == nil {
		if j.conn, err = net.DialUnix("unixgram", nil, &net.UnixAddr{Name: j.path, Net: "unixgram"}); err != nil {
			j.conn = nil
			return err
		}
	}
	if err := j.conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return err
	}
	_, err = j.conn.Write(entry)
	if errors.Is(err, syscall.EMSGSIZE) || errors.Is(err, syscall.ENOBUFS) {
		return j.sendFile(entry)
	}
	return err
}

// sendFile hands over what is too large for a datagram, in memory that nobody can
// change any more (the protocol wants it sealed).
func (j *journal) sendFile(entry []byte) error {
	fd, err := unix.MemfdCreate("postseal-log", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "postseal-log")
	defer f.Close()
	if _, err := f.Write(entry); err != nil {
		return err
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE|unix.F_SEAL_SEAL); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	// To fill the memory took time of ours, not of the journal's.
	if err := j.conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return err
	}
	return j.sendDescriptor(fd)
}

// sendDescriptor sends a datagram that is nothing but a descriptor. WriteMsgUnix does
// not write to a connected socket.
func (j *journal) sendDescriptor(fd int) error {
	raw, err := j.conn.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Write(func(socket uintptr) bool {
		sent = unix.Sendmsg(int(socket), nil, unix.UnixRights(fd), nil, unix.MSG_NOSIGNAL)
		return !errors.Is(sent, unix.EAGAIN)
	})
	if err != nil {
		return err
	}
	return os.NewSyscallError("sendmsg", sent)
}
