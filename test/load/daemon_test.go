// Package load puts the postseal binary, which the environment variable POSTSEAL
// names, under load: reloads under traffic, 100,000 domains, misbehaving peers by
// the thousand, no descriptors left. It speaks the milter protocol itself and needs
// neither Postfix nor privileges.
package load

import (
	"bufio"
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

// daemon is a running postseal serve, with its log read as it is written.
type daemon struct {
	testing.TB
	cmd    *exec.Cmd
	socket string
	read   chan struct{} // closed when the log has ended

	mu    sync.Mutex
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
	d := &daemon{TB: t, socket: filepath.Join(t.TempDir(), "s"), read: make(chan struct{})}
	config := filepath.Join(dir, "postseal.toml")
	d.must(os.WriteFile(config, []byte(configuration(dir, d.socket, more)), 0o600))
	program := os.Getenv("POSTSEAL")
	if program == "" {
		t.Fatal("POSTSEAL must name the postseal binary (make e2e builds it and says where it is)")
	}
	d.cmd = exec.Command(program, "serve", "--config", config)
	log, err := d.cmd.StderrPipe()
	d.must(err)
	d.must(d.cmd.Start())
	t.Cleanup(func() {
		if d.cmd.ProcessState == nil {
			d.cmd.Process.Kill()
			d.end()
		}
		if t.Failed() {
			d.tail()
		}
	})
	go d.follow(log)
	d.await("the daemon listens", func() bool { return d.count(message("listening")) > 0 })
	return d
}

func configuration(dir, socket, more string) string {
	return fmt.Sprintf("[[listener]]\naddress = \"unix:%s\"\nmode = \"sign\"\n[log]\nformat = \"json\"\n[sign]\nkeytable = %q\nsigningtable = %q\n%s",
		socket, filepath.Join(dir, "keytable"), "refile:"+filepath.Join(dir, "signingtable"), more)
}

func (d *daemon) follow(log io.Reader) {
	defer close(d.read)
	scanner := bufio.NewScanner(log)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		l := line{text: scanner.Text()}
		_ = json.Unmarshal(scanner.Bytes(), &l) // what is no JSON, as a trace of goroutines, has its text only
		d.mu.Lock()
		d.lines = append(d.lines, l)
		d.mu.Unlock()
	}
}

// stop ends the daemon in order; all lines of its log are there then.
func (d *daemon) stop() {
	d.Helper()
	d.signal(syscall.SIGTERM)
	if err := d.end(); err != nil {
		d.Errorf("the daemon's end: %v", err)
	}
}

// end waits for the daemon's end.
func (d *daemon) end() error {
	<-d.read
	return d.cmd.Wait()
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
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lines {
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
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lines[max(0, len(d.lines)-40):] {
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
