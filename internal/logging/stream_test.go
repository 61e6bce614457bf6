package logging

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/config"
)

// Whoever reads standard error stops: lines are lost and counted, and nobody waits. When it reads again, whole lines come.
func TestReaderThatStops(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer read.Close()
			log, counts := New(WithPatience(write), config.Log{Format: format, SyslogPrefix: "always"})
			logged := make(chan struct{})
			go func() {
				defer close(logged)
				for counts.Lost() == 0 {
					log.Info("message", "long", strings.Repeat("x", 9000))
				}
			}()
			select {
			case <-logged:
			case <-time.After(2 * time.Minute):
				t.Fatal("a message waits for its log line")
			}
			wholeAgain(t, read, log)
		})
	}
}

// wholeAgain logs until a reader gets a line from its start to its end.
func wholeAgain(t *testing.T, read *os.File, log *slog.Logger) {
	t.Helper()
	if err := read.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		for tick := time.NewTicker(50 * time.Millisecond); ; {
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
				log.Info("again")
			}
		}
	}()
	lines := bufio.NewReader(read)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("no line comes any more: %v", err)
		}
		if strings.Contains(line, "again") {
			if strings.Contains(line, "xxx") {
				t.Errorf("a line begins in the middle of another: %.80q", line)
			}
			return
		}
	}
}

// Patience hides from nobody that the stream is the journal's.
func TestPatientJournalStream(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	info, err := write.Stat()
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", stat.Dev, stat.Ino))
	log, _ := New(WithPatience(write), config.Log{Format: "text", SyslogPrefix: "auto"})
	log.Info("line")
	if line, err := bufio.NewReader(read).ReadString('\n'); err != nil || !strings.HasPrefix(line, "<6>") {
		t.Errorf("have %q, %v, want a line after <6>", line, err)
	}
}
