package daemon

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/logging"
	"github.com/postseal/postseal/milter/miltertest"
)

// patience bounds what a test waits for.
const patience = 2 * time.Minute

// testDaemon is a daemon in this process, with its log read as it is written.
type testDaemon struct {
	*Daemon
	lines chan logLine
	stop  func() // ends it and waits
}

// logLine is one line of the log in JSON.
type logLine struct {
	Level    string `json:"level"`
	Msg      string `json:"msg"`
	QueueID  string `json:"queue_id"`
	Decision string `json:"decision"`
	Reason   string `json:"reason"`
	Detail   string `json:"detail"`
	From     string `json:"from"`
	User     string `json:"user"`
	Client   string `json:"client"`
	Keys     string `json:"keys"`
	Failures string `json:"failures"`
	Size     int64  `json:"size"`
	Duration int64  `json:"duration"`
	Deferred bool   `json:"deferred"`
	Problem  string `json:"problem"`
	Key      string `json:"key"`
	Error    string `json:"error"`
}

// start runs a daemon until the test ends.
func start(t *testing.T, load func() (*config.Config, error)) *testDaemon {
	t.Helper()
	return startIn(t, load, Environment{})
}

// startIn runs a daemon as somebody else would start it.
func startIn(t *testing.T, load func() (*config.Config, error), env Environment) *testDaemon {
	t.Helper()
	out, in := io.Pipe()
	td := &testDaemon{lines: make(chan logLine, 1<<16)}
	go func() {
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			var line logLine
			if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
				panic(err)
			}
			td.lines <- line
		}
	}()
	log, _ := logging.New(in, config.Log{Format: "json", Level: "debug"})
	d, err := Open(load, log, env)
	if err != nil {
		t.Fatal(err)
	}
	td.Daemon = d
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	td.stop = func() {
		cancel()
		select {
		case err := <-ended:
			ended <- err
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Error("the daemon does not stop")
		}
		in.Close()
	}
	t.Cleanup(td.stop)
	return td
}

// dial gives an MTA of Postfix's manners that has negotiated.
func (d *testDaemon) dial(t *testing.T) *miltertest.MTA {
	t.Helper()
	addr := d.Addresses()[0]
	mta, err := miltertest.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mta.Close() })
	if _, err := mta.Negotiate(miltertest.PostfixOffer); err != nil {
		t.Fatal(err)
	}
	if mta.Macros == nil {
		mta.Macros = map[string]string{}
	}
	mta.Macros["i"] = "4bTEST"
	return mta
}

// await gives the next log line that the test is interested in.
func (d *testDaemon) await(t *testing.T, what string, wanted func(logLine) bool) logLine {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case line := <-d.lines:
			if wanted(line) {
				return line
			}
		case <-deadline:
			t.Fatalf("no log line: %s", what)
		}
	}
}

// messageLine gives the next message's line.
func (d *testDaemon) messageLine(t *testing.T) logLine {
	t.Helper()
	return d.await(t, "message", func(l logLine) bool { return l.Msg == "message" })
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func writeKey(t *testing.T, path string, algorithm dkim.Algorithm) *dkim.PrivateKey {
	t.Helper()
	key, err := dkim.Generate(algorithm, 2048)
	if algorithm == dkim.Ed25519SHA256 {
		key, err = dkim.Generate(algorithm, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	pem, err := key.PEM()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Dir(path), filepath.Base(path), string(bytes.TrimSpace(pem))+"\n")
	return key
}
