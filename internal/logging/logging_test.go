package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/postseal/postseal/internal/config"
)

func TestSyslogPrefix(t *testing.T) {
	for _, c := range []struct {
		config config.Log
		want   []string // how each line begins
	}{
		{config.Log{Format: "text", Level: "info", SyslogPrefix: "auto"}, []string{"time=", "time=", "time="}},
		{config.Log{Format: "text", Level: "info", SyslogPrefix: "never"}, []string{"time=", "time=", "time="}},
		{config.Log{Format: "text", Level: "info", SyslogPrefix: "always"}, []string{"<6>time=", "<4>time=", "<3>time="}},
		{config.Log{Format: "text", Level: "warn", SyslogPrefix: "always"}, []string{"<4>time=", "<3>time="}},
		{config.Log{Format: "json", Level: "info", SyslogPrefix: "always"}, []string{"{", "{", "{"}},
	} {
		var out bytes.Buffer
		log, _ := New(&out, c.config)
		log = log.With("connection", 1)
		log.Debug("debug")
		log.Info("info", "text", "two\nlines")
		log.Warn("warn")
		log.Error("error")
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != len(c.want) {
			t.Fatalf("%+v: %q", c.config, lines)
		}
		for i, line := range lines {
			if !strings.HasPrefix(line, c.want[i]) {
				t.Errorf("%+v: %q, want %q", c.config, line, c.want[i])
			}
		}
	}
}

// The stream that leads to the journal is found by what systemd says of it.
func TestJournalStream(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	for value, prefixed := range map[string]bool{
		fmt.Sprintf("%d:%d", stat.Dev, stat.Ino):   true,
		fmt.Sprintf("%d:%d", stat.Dev, stat.Ino+1): false, // standard error was redirected
		"": false, "nonsense": false, "1": false,
	} {
		t.Setenv("JOURNAL_STREAM", value)
		f.Truncate(0)
		f.Seek(0, 0)
		log, _ := New(f, config.Log{Format: "text", Level: "info", SyslogPrefix: "auto"})
		log.Info("line")
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.HasPrefix(string(text), "<6>"); got != prefixed {
			t.Errorf("JOURNAL_STREAM=%s: %q", value, text)
		}
	}
}

// All formats name the same things in the same way.
func TestFormatsAgree(t *testing.T) {
	journal := newFakeJournal(t, filepath.Join(t.TempDir(), "socket"))
	toJournal := newScene(journal.path, true)
	var text, object bytes.Buffer
	asText, _ := New(&text, config.Log{Format: "text", SyslogPrefix: "never"})
	asJSON, _ := New(&object, config.Log{Format: "json"})
	for _, log := range []*slog.Logger{toJournal.Logger, asText, asJSON} {
		log.With("connection", "1").Info("message", "queue_id", "4bX1", slog.Group("mta", "name", "postfix"))
	}
	var got map[string]any
	if err := json.Unmarshal(object.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	entry := journal.entry(t)
	for _, key := range []string{"msg", "connection", "queue_id"} {
		value := fmt.Sprint(got[key])
		if entry["POSTSEAL_"+strings.ToUpper(key)] != value || !strings.Contains(text.String(), " "+key+"="+value) {
			t.Errorf("%s: journal %v, text %s, JSON %v", key, entry, text.String(), got)
		}
	}
	if _, line, _ := strings.Cut(text.String(), "msg="); entry["MESSAGE"]+"\n" != "msg="+line {
		t.Errorf("MESSAGE %q, text %q", entry["MESSAGE"], line)
	}
}

// fullDisk is a log on a file system without room.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestLinesAreCounted(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		log, counts := New(fullDisk{}, config.Log{Format: format, Level: "info", SyslogPrefix: "always"})
		log = log.With("connection", 1).WithGroup("g")
		log.Debug("not wanted")
		log.Info("lost")
		log.Error("lost too")
		if counts.Lost() != 2 || counts.Lines(slog.LevelInfo) != 1 || counts.Lines(slog.LevelError) != 1 || counts.Lines(slog.LevelDebug) != 0 {
			t.Errorf("%s: %d lost", format, counts.Lost())
		}
		if err := log.Handler().Handle(t.Context(), slog.Record{}); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v", format, err)
		}
	}
}
