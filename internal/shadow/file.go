package shadow

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/postseal/postseal/dkim"
)

// maxHeader bounds the header that is kept in memory. limits.header_bytes, over which
// the daemon leaves a message unsigned, is 1 MiB unless configured.
const maxHeader = 4 << 20

// maxSpooled bounds a message on standard input, which is kept in a temporary file.
const maxSpooled = 1 << 30

// File is a message on disk; only its header is in memory, whatever its size.
type File struct {
	Fields *dkim.Fields
	Turned bool // LF line ends are turned into CRLF, as they go over SMTP

	src    *os.File
	bodyAt int64
}

// Open opens a message file. A file with LF line ends is read as if it had CRLF;
// one with both is refused, unless raw takes it as it is. The caller closes it.
func Open(path string, raw bool) (*File, error) {
	info, err := os.Stat(path) // before opening: a named pipe would block
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	src, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return open(src, path, raw)
}

// Spool opens a message that comes from a stream.
func Spool(in io.Reader, raw bool) (*File, error) {
	src, err := os.CreateTemp("", "postseal-shadow-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(src.Name()); err != nil { // it lives as long as it is open
		return nil, errors.Join(err, src.Close())
	}
	n, err := io.Copy(src, io.LimitReader(in, maxSpooled+1))
	if err == nil && n > maxSpooled {
		err = fmt.Errorf("standard input: larger than 1 GiB; give the message as a file")
	}
	if err != nil {
		return nil, errors.Join(err, src.Close())
	}
	return open(src, "standard input", raw)
}

func open(src *os.File, name string, raw bool) (*File, error) {
	f := &File{src: src}
	if err := f.read(raw); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), src.Close())
	}
	return f, nil
}

// Close closes the file.
func (f *File) Close() error { return f.src.Close() }

// Body reads the body anew, with CRLF line ends. Only one such reader is used at a time.
func (f *File) Body() io.Reader { return f.from(f.bodyAt) }

func (f *File) from(offset int64) io.Reader {
	r := io.NewSectionReader(f.src, offset, 1<<62)
	if f.Turned {
		return &crlfReader{src: r}
	}
	return r
}

func (f *File) read(raw bool) error {
	if !raw {
		lf, crlf, err := lineEnds(f.from(0))
		if err != nil {
			return err
		}
		if crlf > 0 && lf > crlf {
			return fmt.Errorf("%d lines end in CRLF and %d in bare LF; mend the file, or take it as it is with --raw", crlf, lf-crlf)
		}
		f.Turned = lf > crlf
	}
	top, err := io.ReadAll(io.NewSectionReader(f.src, 0, maxHeader+1))
	if err != nil {
		return err
	}
	end := headerEnd(top, f.Turned)
	if end < 0 {
		return fmt.Errorf("no end of the header within %d MiB", maxHeader>>20)
	}
	head := top[:end]
	if f.Turned {
		head = bytes.ReplaceAll(head, []byte("\n"), []byte("\r\n"))
	}
	f.bodyAt = int64(end)
	f.Fields, _, err = dkim.ParseFields(head)
	return err
}

// headerEnd is where the body begins, or -1 where the header goes on beyond top. A message may end with its header.
func headerEnd(top []byte, lf bool) int {
	eol := []byte("\r\n")
	if lf {
		eol = eol[1:]
	}
	if bytes.HasPrefix(top, eol) {
		return len(eol)
	}
	blank := bytes.Repeat(eol, 2)
	if i := bytes.Index(top, blank); i >= 0 {
		return i + len(blank)
	}
	if len(top) > maxHeader {
		return -1
	}
	return len(top)
}

// lineEnds counts the LFs, and those of them with a CR before.
func lineEnds(r io.Reader) (lf, crlf int64, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	cr := false
	for {
		chunk, err := in.ReadSlice('\n')
		if n := len(chunk); n > 0 {
			if chunk[n-1] == '\n' {
				lf++
				if n > 1 && chunk[n-2] == '\r' || n == 1 && cr {
					crlf++
				}
			}
			cr = chunk[n-1] == '\r'
		}
		switch {
		case err == io.EOF:
			return lf, crlf, nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return 0, 0, err
		}
	}
}

// crlfReader turns each LF into CRLF.
type crlfReader struct {
	src io.Reader
	in  [16 << 10]byte
	out []byte // what is not read yet
}

func (r *crlfReader) Read(p []byte) (int, error) {
	if len(r.out) == 0 {
		n, err := r.src.Read(r.in[:])
		if n == 0 {
			return 0, err
		}
		r.out = bytes.ReplaceAll(r.in[:n], []byte("\n"), []byte("\r\n"))
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}
