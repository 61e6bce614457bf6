package logging

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fakeJournal stands where journald would listen.
type fakeJournal struct {
	*net.UnixConn
	path string
}

func newFakeJournal(t *testing.T, path string) *fakeJournal {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &fakeJournal{conn, path}
}

// entry reads the next one, from the datagram or from the memory that came with it.
func (j *fakeJournal) entry(t *testing.T) map[string]string {
	t.Helper()
	data, oob := make([]byte, 1<<20), make([]byte, 64)
	j.SetReadDeadline(time.Now().Add(2 * time.Minute))
	n, oobn, _, _, err := j.ReadMsgUnix(data, oob)
	if err != nil {
		t.Fatal("no entry: ", err)
	}
	if oobn > 0 {
		return fields(t, sealed(t, oob[:oobn]))
	}
	return fields(t, data[:n])
}

// sealed reads the file that came with a datagram, as journald does: only if nobody
// can change it any more.
func sealed(t *testing.T, oob []byte) []byte {
	t.Helper()
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		t.Fatal(err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fds[0]), "entry")
	defer f.Close()
	const all = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0); err != nil || seals != all {
		t.Errorf("seals %x, %v", seals, err)
	}
	data, err := io.ReadAll(io.NewSectionReader(f, 0, 16<<20))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// fields takes an entry apart as systemd's page "Native Journal Protocol" describes it.
func fields(t *testing.T, data []byte) map[string]string {
	t.Helper()
	all := map[string]string{}
	for len(data) > 0 {
		line, rest, ok := bytes.Cut(data, []byte{'\n'})
		if !ok {
			t.Fatalf("an unfinished field %q", data)
		}
		name, value, short := bytes.Cut(line, []byte{'='})
		if !short {
			size := binary.LittleEndian.Uint64(rest)
			value, rest = rest[8:8+size], rest[8+size:]
			if rest[0] != '\n' {
				t.Fatalf("%s: no end after its length", name)
			}
			rest = rest[1:]
		}
		if _, twice := all[string(name)]; twice {
			t.Errorf("%s stands twice", name)
		}
		all[string(name)], data = string(value), rest
	}
	return all
}

// scene is a logger, its journal, and what goes to standard error.
type scene struct {
	*slog.Logger
	handler *journalHandler
	spare   bytes.Buffer
	clock   atomic.Int64 // seconds
}

func newScene(path string, alone bool) *scene {
	s := new(scene)
	s.handler = newJournalHandler(path, slog.NewTextHandler(&s.spare, nil), alone, &slog.HandlerOptions{Level: slog.LevelInfo})
	s.handler.to.now = func() time.Time { return time.Unix(s.clock.Load(), 0) }
	s.Logger = slog.New(s.handler)
	return s
}

func (s *scene) later() { s.clock.Add(int64(pause / time.Second)) }

func TestJournalEntry(t *testing.T) {
	journal := newFakeJournal(t, filepath.Join(t.TempDir(), "socket"))
	log := newScene(journal.path, true)
	log.With("connection", 7).WithGroup("mta").Error("message",
		"queue_id", "4bX1", "decision", "signed", "duration", 2100*time.Microsecond, "error", errors.New("no luck"),
		"evil", "x\nPRIORITY=0\nMESSAGE=forged", "binary", "\x00\xff=\x1b", "empty", "", "odd name-ü", "v",
		slog.Group("", "inline", true), slog.Group("inner", "deep", 1))
	got := journal.entry(t)
	for name, want := range map[string]string{
		"PRIORITY": "3", "SYSLOG_IDENTIFIER": "postseal", "SYSLOG_FACILITY": "2",
		"POSTSEAL_MSG": "message", "POSTSEAL_CONNECTION": "7",
		"POSTSEAL_MTA_QUEUE_ID": "4bX1", "POSTSEAL_MTA_DECISION": "signed", "POSTSEAL_MTA_DURATION": "2.1ms", "POSTSEAL_MTA_ERROR": "no luck",
		"POSTSEAL_MTA_EVIL": "x\nPRIORITY=0\nMESSAGE=forged", "POSTSEAL_MTA_BINARY": "\x00\xff=\x1b", "POSTSEAL_MTA_EMPTY": "",
		"POSTSEAL_MTA_ODD_NAME__": "v", "POSTSEAL_MTA_INLINE": "true", "POSTSEAL_MTA_INNER_DEEP": "1",
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s=%q, want %q", name, value, want)
		}
	}
	if len(got) != 16 {
		t.Errorf("%d fields: %v", len(got), got)
	}
	if m := got["MESSAGE"]; !strings.HasPrefix(m, "msg=message connection=7 mta.queue_id=4bX1 ") || strings.Contains(m, "\n") {
		t.Errorf("MESSAGE=%q", m)
	}
}

func TestJournalPriorities(t *testing.T) {
	journal := newFakeJournal(t, filepath.Join(t.TempDir(), "socket"))
	log := newScene(journal.path, true)
	log.Debug("not wanted")
	for _, c := range []struct {
		level slog.Level
		want  string
	}{{slog.LevelInfo, "6"}, {slog.LevelInfo + 1, "6"}, {slog.LevelWarn, "4"}, {slog.LevelError, "3"}, {slog.LevelError + 4, "3"}} {
		log.Log(t.Context(), c.level, "line")
		if got := journal.entry(t)["PRIORITY"]; got != c.want {
			t.Errorf("%v: priority %s, want %s", c.level, got, c.want)
		}
	}
}

func TestLongValuesAreCut(t *testing.T) {
	journal := newFakeJournal(t, filepath.Join(t.TempDir(), "socket"))
	log := newScene(journal.path, true)
	log.Info("message", "detail", strings.Repeat("ü", maxValue))
	got := journal.entry(t)
	for _, name := range []string{"POSTSEAL_DETAIL", "MESSAGE"} {
		if v := got[name]; len(v) > maxValue || len(v) < maxValue-8 || !strings.HasSuffix(v, "ü…") {
			t.Errorf("%s has %d bytes and ends with %q", name, len(v), v[len(v)-8:])
		}
	}
}

// What is too large for a datagram comes in sealed memory.
func TestLargeEntries(t *testing.T) {
	journal := newFakeJournal(t, filepath.Join(t.TempDir(), "socket"))
	log := newScene(journal.path, true)
	var args []any
	for _, name := range strings.Fields("a b c d e f g h i j k l m n o p q r s t u v w x y z") {
		args = append(args, name, strings.Repeat(name, maxValue))
	}
	log.Info("large", args...)
	got := journal.entry(t)
	if len(got["POSTSEAL_Z"]) != maxValue || got["POSTSEAL_MSG"] != "large" {
		t.Errorf("%d fields, z has %d bytes", len(got), len(got["POSTSEAL_Z"]))
	}
	log.Info("small")
	if got := journal.entry(t); got["POSTSEAL_MSG"] != "small" || len(got) != 5 {
		t.Errorf("after it: %v", got)
	}
	if kept := cap(log.handler.to.data); kept > maxKept {
		t.Errorf("%d bytes kept", kept)
	}
}

// Without a journal the lines go to standard error, and back when it is there.
func TestJournalAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	log := newScene(path, true)
	log.Info("first", "queue_id", "4bX1")
	log.Info("second")
	text := log.spare.String()
	for _, want := range []string{"level=WARN msg=\"the journal takes no lines", "msg=first queue_id=4bX1\n", "msg=second\n"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("not once %q in\n%s", want, text)
		}
	}
	journal := newFakeJournal(t, path)
	log.later()
	log.Info("third")
	if got := journal.entry(t); got["POSTSEAL_MSG"] != "third" {
		t.Errorf("got %v", got)
	}
	journal.Close() // and a new one in its place
	os.Remove(path)
	journal = newFakeJournal(t, path)
	log.Info("fourth")
	if got := journal.entry(t); got["POSTSEAL_MSG"] != "fourth" {
		t.Errorf("got %v", got)
	}
	if log.spare.String() != text {
		t.Errorf("on standard error: %s", log.spare.String())
	}
}

// jam fills a journal that nobody reads, and gives the number of lines that it took.
func jam(t *testing.T, log *scene) int {
	t.Helper()
	for n := range 100_000 {
		if err := log.handler.Handle(t.Context(), slog.NewRecord(time.Time{}, slog.LevelInfo, "filling", 0)); err != nil || log.spare.Len() > 0 {
			return n
		}
	}
	t.Fatal("a socket that is never full")
	return 0
}

// A journal that is stuck holds nobody up: its lines go to standard error.
func TestJournalStuck(t *testing.T) {
	journal := newFakeJournal(t, filepath.Join(t.TempDir(), "socket"))
	log := newScene(journal.path, true)
	jam(t, log)
	for range 1000 { // each waiting for the journal would take minutes
		log.Info("spared")
	}
	if n := strings.Count(log.spare.String(), "msg=spared"); n != 1000 {
		t.Errorf("%d lines on standard error", n)
	}
}

// Where standard error is the same journal there is no other way; what is lost is
// counted, and told when lines are taken again.
func TestJournalStuckAndNoOtherWay(t *testing.T) {
	journal := newFakeJournal(t, filepath.Join(t.TempDir(), "socket"))
	log := newScene(journal.path, false)
	taken := jam(t, log) // and one lost
	log.Info("lost")
	if log.spare.Len() > 0 {
		t.Errorf("on standard error: %s", log.spare.String())
	}
	for range taken {
		if got := journal.entry(t)["POSTSEAL_MSG"]; got != "filling" {
			t.Fatalf("got %q", got)
		}
	}
	log.later()
	log.Info("taken")
	if got := journal.entry(t)["POSTSEAL_MSG"]; got != "taken" {
		t.Errorf("got %q", got)
	}
	if got := journal.entry(t); got["POSTSEAL_LOST"] != "2" || got["PRIORITY"] != "4" {
		t.Errorf("no word of what is lost: %v", got)
	}
}

// No value and no name can pretend to be another field.
func FuzzField(f *testing.F) {
	f.Add("queue_id", "4bX1")
	f.Add("", "\nMESSAGE=forged")
	f.Add("a=b\nc", "\x00\n\n")
	f.Fuzz(func(t *testing.T, key, value string) {
		got := fields(t, appendField(nil, fieldName(key), value))
		name := fieldName(key)
		if len(got) != 1 || len(name) > maxName || !strings.HasPrefix(name, fieldPrefix) {
			t.Fatalf("%q %q: %v", key, value, got)
		}
		if v := got[name]; v != value && len(value) <= maxValue || len(v) > maxValue {
			t.Errorf("%q became %q", value, v)
		}
	})
}
