package notify_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/notify"
)

var notice = domains.Notice{
	ID: 7, At: time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC), Event: domains.HealthBroken, Domain: "example.com", Selector: "s1",
	Code: "D402", Text: "bücher \x1b[31m from DNS\nBcc: x@evil.example\n.\nlast line",
}

// smtpServer takes one message and gives it to the channel.
func smtpServer(t *testing.T, refuse string) (addr string, got chan string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got = make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		got <- takeMail(conn, refuse)
	}()
	return l.Addr().String(), got
}

func takeMail(conn net.Conn, refuse string) string {
	var all strings.Builder
	r := bufio.NewReader(conn)
	io.WriteString(conn, "220 test\r\n")
	for data := false; ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return all.String()
		}
		all.WriteString(line)
		switch {
		case data && line == ".\r\n":
			data = false
			io.WriteString(conn, "250 taken\r\n")
		case data:
		case refuse != "" && strings.HasPrefix(line, refuse):
			io.WriteString(conn, "550 no\r\n")
		case line == "DATA\r\n":
			data = true
			io.WriteString(conn, "354 go on\r\n")
		case line == "QUIT\r\n":
			io.WriteString(conn, "221 bye\r\n")
			return all.String()
		default:
			io.WriteString(conn, "250 ok\r\n")
		}
	}
}

func TestMail(t *testing.T) {
	addr, got := smtpServer(t, "")
	m, err := notify.NewMail(addr, "postseal@mx.example.net", []string{"a@example.net", "b@example.net"})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Notify(t.Context(), notice); err != nil {
		t.Fatal(err)
	}
	envelope, data, _ := strings.Cut(<-got, "DATA\r\n")
	for _, want := range []string{"MAIL FROM:<postseal@mx.example.net>", "RCPT TO:<a@example.net>", "RCPT TO:<b@example.net>"} {
		if !strings.Contains(envelope, want) {
			t.Errorf("the envelope %q lacks %s", envelope, want)
		}
	}
	message, err := mail.ReadMessage(strings.NewReader(strings.ReplaceAll(data, "\r\n..", "\r\n.")))
	if err != nil {
		t.Fatal(err)
	}
	if s := message.Header.Get("Subject"); s != "[postseal] health.broken example.com" {
		t.Errorf("subject %q", s)
	}
	if message.Header.Get("Auto-Submitted") != "auto-generated" || message.Header.Get("Bcc") != "" || message.Header.Get("Message-ID") == "" {
		t.Errorf("header: %v", message.Header)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(message.Body))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"bücher  [31m from DNS", "Bcc: x@evil.example", "last line", "D402", "s1"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("the body %q lacks %q", body, want)
		}
	}
}

func TestMailRefused(t *testing.T) {
	for _, verb := range []string{"MAIL", "RCPT", "DATA"} {
		addr, _ := smtpServer(t, verb)
		m, err := notify.NewMail(addr, "postseal@mx.example.net", []string{"a@example.net"})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Notify(t.Context(), notice); err == nil || !strings.Contains(err.Error(), "550") {
			t.Errorf("%s refused: %v", verb, err)
		}
	}
}

func TestMailAddresses(t *testing.T) {
	for _, test := range []struct{ server, from, to string }{
		{"127.0.0.1", "a@example.net", "b@example.net"},
		{"127.0.0.1:25", "a", "b@example.net"},
		{"127.0.0.1:25", "a@example.net", "b@example.net\r\nDATA"},
	} {
		if _, err := notify.NewMail(test.server, test.from, []string{test.to}); err == nil {
			t.Errorf("%q was taken", test)
		}
	}
}

func TestMailServerThatSaysNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m, err := notify.NewMail(l.Addr().String(), "a@example.net", []string{"b@example.net"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := m.Notify(ctx, notice); err == nil {
		t.Error("delivered to a server that says nothing")
	}
}

func TestWebhook(t *testing.T) {
	var got map[string]any
	status := http.StatusNoContent
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.Header.Get("Idempotency-Key") != "7" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("request: %s %v", r.Method, r.Header)
		}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	defer server.Close()
	h, err := notify.NewWebhook(server.URL + "/hook?secret=x")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Notify(t.Context(), notice); err != nil {
		t.Fatal(err)
	}
	if got["event"] != "health.broken" || got["domain"] != "example.com" || got["code"] != "D402" || got["at"] != "2026-11-22T02:00:00Z" {
		t.Errorf("got %v", got)
	}
	for _, status = range []int{http.StatusFound, http.StatusBadRequest, http.StatusInternalServerError} {
		if err := h.Notify(t.Context(), notice); err == nil {
			t.Errorf("status %d is a success", status)
		}
	}
	server.Close()
	if err := h.Notify(t.Context(), notice); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("no server: %v", err)
	}
	for _, bad := range []string{"", "ftp://example.net", "/path", "http://", "http://%zz"} {
		if _, err := notify.NewWebhook(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestProgram(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	p, err := notify.NewProgram([]string{"/bin/sh", "-c", `cat >"$1"; echo "$POSTSEAL_EVENT $POSTSEAL_DOMAIN" >>"$1"`, "sh", out})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Notify(t.Context(), notice); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil || !strings.Contains(string(got), `"event":"health.broken"`) || !strings.HasSuffix(string(got), "health.broken example.com\n") {
		t.Errorf("got %q %v", got, err)
	}
	p, err = notify.NewProgram([]string{"/bin/sh", "-c", "echo refused >&2; exit 3"})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Notify(t.Context(), notice); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("exit 3: %v", err)
	}
	if _, err := notify.NewProgram([]string{"relative"}); err == nil {
		t.Error("a relative path was taken")
	}
}

// A program may leave something running that holds its standard error: the courier does
// not wait for that.
func TestProgramLeavesChild(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := notify.NewProgram([]string{"/bin/sh", "-c", `read -r line <"$1" & exit 0`, "sh", fifo})
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 1)
	go func() { told <- p.Notify(t.Context(), notice) }()
	child, err := os.OpenFile(fifo, os.O_WRONLY, 0) // the child is there, and reads until this is closed
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	select {
	case err := <-told:
		if err != nil {
			t.Errorf("a program that ended well: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the courier waits for what the program left behind")
	}
}

// A program that does not come to an end is ended with all that it has started.
func TestProgramThatHangs(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := notify.NewProgram([]string{"/bin/sh", "-c", `(read -r line <"$1") & wait`, "sh", fifo})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	told := make(chan error, 1)
	go func() { told <- p.Notify(ctx, notice) }()
	child, err := os.OpenFile(fifo, os.O_WRONLY, 0) // the child is there, and reads a line that never ends
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	cancel()
	if err := <-told; err == nil {
		t.Error("it was ended, and that is a success")
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := child.WriteString("x"); err != nil {
			return // nobody reads any more
		}
		if time.Now().After(end) {
			t.Fatal("what it has started runs on")
		}
	}
}
