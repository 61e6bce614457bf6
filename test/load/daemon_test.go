// Package load puts the postseal binary, which the environment variable POSTSEAL
// names, under load: reloads under traffic, 100,000 domains, misbehaving peers by
// the thousand, no descriptors left. It speaks the milter protocol itself and needs
// neither Postfix nor privileges.
package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/miltertest"
	"github.com/postseal/postseal/test/internal/await"
)

// daemon is a running postseal serve. Its log is a file: of a pipe that nobody reads
// for a while, as on a machine that is busy, it would let lines go.
type daemon struct {
	testing.TB
	cmd    *exec.Cmd
	socket string

	mu    sync.Mutex
	log   *os.File // from the first line on that is not in lines
	begun []byte   // the line that is being written
	lines []line
}

// line is one line of the log.
type line struct {
	text     string
	Level    string `json:"level"`
	Msg      string `json:"msg"`
	Decision string `json:"decision"`
	Reason   string `json:"reason"`
	Keys     string `json:"keys"`
	Problem  string `json:"problem"`
}

// serve starts a daemon on the tables "keytable" and "signingtable" of dir, with
// more of a configuration, and ends it with the test.
func serve(t testing.TB, dir, more string) *daemon {
	t.Helper()
	own := t.TempDir()
	d := &daemon{TB: t, socket: filepath.Join(own, "s")}
	config := filepath.Join(dir, "postseal.toml")
	d.must(os.WriteFile(config, []byte(configuration(dir, d.socket, more)), 0o600))
	program := os.Getenv("POSTSEAL")
	if program == "" {
		t.Fatal("POSTSEAL must name the postseal binary (make e2e builds it and says where it is)")
	}
	d.cmd = exec.Command(program, "serve", "--config", config)
	log, err := os.Create(filepath.Join(own, "log"))
	d.must(err)
	defer log.Close()
	d.log, err = os.Open(log.Name())
	d.must(err)
	d.cmd.Stderr = log
	d.must(d.cmd.Start())
	t.Cleanup(func() {
		if d.cmd.ProcessState == nil {
			d.cmd.Process.Kill()
			_ = d.cmd.Wait()
		}
		if t.Failed() {
			d.tail()
		}
		d.log.Close()
	})
	d.await("the daemon listens", func() bool { return d.count(message("listening")) > 0 })
	return d
}

func configuration(dir, socket, more string) string {
	return fmt.Sprintf("[[listener]]\naddress = \"unix:%s\"\nmode = \"sign\"\n[log]\nformat = \"json\"\n[sign]\nkeytable = %q\nsigningtable = %q\n%s",
		socket, filepath.Join(dir, "keytable"), "refile:"+filepath.Join(dir, "signingtable"), more)
}

// said is the log so far; all of it, once the daemon has ended.
func (d *daemon) said() []line {
	d.mu.Lock()
	defer d.mu.Unlock()
	fresh, err := io.ReadAll(d.log)
	if err != nil {
		d.Errorf("the daemon's log: %v", err)
	}
	d.begun = append(d.begun, fresh...)
	for {
		text, rest, whole := bytes.Cut(d.begun, []byte("\n"))
		if !whole {
			return d.lines
		}
		l := line{text: string(text)}
		_ = json.Unmarshal(text, &l) // what is no JSON, as a trace of goroutines, has its text only
		d.lines, d.begun = append(d.lines, l), rest
	}
}

// stop ends the daemon in order.
func (d *daemon) stop() {
	d.Helper()
	d.signal(syscall.SIGTERM)
	if err := d.cmd.Wait(); err != nil {
		d.Errorf("the daemon's end: %v", err)
	}
}

func (d *daemon) signal(s syscall.Signal) {
	d.Helper()
	d.must(d.cmd.Process.Signal(s))
}

func (d *daemon) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func (d *daemon) await(what string, done func() bool) {
	d.Helper()
	d.must(await.That(what, done))
}

// count counts lines of the log so far.
func (d *daemon) count(wanted func(line) bool) (n int) {
	for _, l := range d.said() {
		if wanted(l) {
			n++
		}
	}
	return n
}

func message(msg string) func(line) bool { return func(l line) bool { return l.Msg == msg } }

// reload sends SIGHUP and waits until it is done, well.
func (d *daemon) reload() {
	d.Helper()
	before := d.count(message("reloaded"))
	d.signal(syscall.SIGHUP)
	d.await("reloaded", func() bool { return d.count(message("reloaded")) > before })
}

// tail prints the end of the log.
func (d *daemon) tail() {
	lines := d.said()
	for _, l := range lines[max(0, len(lines)-40):] {
		d.Log(l.text)
	}
}

// local is a client that is trusted.
var local = miltertest.Client{Host: "localhost", Family: milter.FamilyIPv4, Port: 40000, Addr: "127.0.0.1"}

// dial connects as Postfix does and negotiates.
func (d *daemon) dial() (*miltertest.MTA, error) {
	mta, err := miltertest.Dial("unix", d.socket)
	if err != nil {
		return nil, err
	}
	mta.Timeout = await.Deadline
	mta.Client = local
	if _, err := mta.Negotiate(miltertest.PostfixOffer); err != nil {
		mta.Close()
		return nil, err
	}
	return mta, nil
}

func (d *daemon) mustDial() *miltertest.MTA {
	d.Helper()
	mta, err := d.dial()
	d.must(err)
	d.Cleanup(func() { mta.Close() })
	return mta
}

// descriptors is how many files the process has open.
func (d *daemon) descriptors() int {
	d.Helper()
	return len(d.openFiles())
}

// openFiles has what each descriptor of the process leads to.
func (d *daemon) openFiles() map[int]string {
	d.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", d.cmd.Process.Pid)
	list, err := os.ReadDir(dir)
	d.must(err)
	open := map[int]string{}
	for _, entry := range list {
		n, err := strconv.Atoi(entry.Name())
		d.must(err)
		if path, err := os.Readlink(filepath.Join(dir, entry.Name())); err == nil { // else it is closed by now
			open[n] = path
		}
	}
	return open
}

// resident is the process's VmRSS in bytes.
func (d *daemon) resident() int {
	d.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	d.must(err)
	_, rest, found := strings.Cut(string(text), "\nVmRSS:")
	if !found {
		d.Fatalf("no VmRSS in %s", text)
	}
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	d.must(err)
	return kib << 10
}
