package logging

import (
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// stream is standard error where it is a pipe or a socket, as under systemd. A reader that does not read any more, such
// as a journal that is stuck, would hold up every message at its log line.
type stream struct {
	file    *os.File
	cut     bool // the last line stopped in its middle
	failure error
	retry   time.Time
}

// WithPatience gives a writer that waits 0.1 s for its reader, and then leaves it in peace for a second. What waits for
// nobody, a file or a terminal, is given back as it is. It is for a daemon: the pipe becomes one that does
// not block, for whoever else writes to it.
func WithPatience(w io.Writer) io.Writer {
	f, ok := w.(*os.File)
	if !ok {
		return w
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) == 0 {
		return w
	}
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil || unix.SetNonblock(fd, true) != nil {
		return w
	}
	return &stream{file: os.NewFile(uintptr(fd), f.Name())}
}

// Write writes one line, which is lost if nobody takes it in time.
func (s *stream) Write(line []byte) (int, error) {
	if s.failure != nil && time.Now().Before(s.retry) {
		return 0, s.failure
	}
	if s.cut {
		line = append([]byte{'\n'}, line...)
	}
	s.failure = s.file.SetWriteDeadline(time.Now().Add(sendTimeout))
	if s.failure != nil {
		return 0, s.failure
	}
	n, err := s.file.Write(line)
	if s.failure = err; err != nil {
		s.cut = s.cut || n > 0
		s.retry = time.Now().Add(pause)
		return 0, err
	}
	s.cut = false
	return n, nil
}
