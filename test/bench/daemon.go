package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/miltertest"
)

// process is a postseal daemon with one Ed25519 key, listening on a unix
// socket, logging to a file.
type process struct {
	dir    string
	socket string
	extra  string // of the configuration
	cmd    *exec.Cmd
	key    *dkim.PrivateKey
}

func startDaemon(binary string) (p *process, err error) {
	p = new(process)
	if p.dir, err = os.MkdirTemp("", "postseal-bench-"); err != nil {
		return nil, err
	}
	if p.key, err = dkim.Generate(dkim.Ed25519SHA256, 0); err != nil {
		return nil, err
	}
	pem, err := p.key.PEM()
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{
		"key.pem":      string(pem),
		"keytable":     "k example.com:s:./key.pem\n",
		"signingtable": "*@example.com k\n",
	} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return p, p.start(binary)
}

// configure writes the configuration for the tables of the directory.
func (p *process) configure() (path string, err error) {
	p.socket = filepath.Join(p.dir, "milter.sock")
	path = filepath.Join(p.dir, "postseal.toml")
	text := fmt.Sprintf("[[listener]]\naddress = \"unix:%s\"\nmode = \"sign\"\n[sign]\nkeytable = %q\nsigningtable = %q\n%s",
		p.socket, filepath.Join(p.dir, "keytable"), "refile:"+filepath.Join(p.dir, "signingtable"), p.extra)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// start runs the daemon.
func (p *process) start(binary string) error {
	config, err := p.configure()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(p.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	p.cmd = exec.Command(binary, "serve", "--config", config)
	p.cmd.Stderr = log
	return p.cmd.Start()
}

func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.cmd.Wait()
}

// dial waits for the daemon and negotiates as Postfix.
func (p *process) dial() (*miltertest.MTA, error) {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("unix", p.socket)
		if err != nil {
			if time.Now().After(deadline) {
				return nil, err
			}
			continue
		}
		mta := miltertest.New(&gathered{Conn: conn, out: bufio.NewWriterSize(conn, 4096)})
		mta.Client = miltertest.Client{Host: "localhost", Family: milter.FamilyIPv4, Port: 1, Addr: "127.0.0.1"}
		mta.Macros = map[string]string{"i": "4bBENCH", "{daemon_name}": "mx.example.net", "j": "mx.example.net", "v": "Postfix 3.7.11"}
		_, err = mta.Negotiate(miltertest.PostfixOffer)
		return mta, err
	}
}

// gathered writes as Postfix does: 4 KB at a time, and the rest before it reads.
type gathered struct {
	net.Conn
	out *bufio.Writer
}

func (g *gathered) Write(p []byte) (int, error) { return g.out.Write(p) }

func (g *gathered) Read(p []byte) (int, error) {
	if err := g.out.Flush(); err != nil {
		return 0, err
	}
	return g.Conn.Read(p)
}

// cpu is the CPU time that the daemon has used, in seconds. The clock of another
// process (clock_getcpuclockid(3)) counts nanoseconds, where /proc/PID/stat
// counts ticks of 10 ms.
func (p *process) cpu() (float64, error) {
	const scheduler = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^p.cmd.Process.Pid<<3|scheduler), &t); err != nil {
		return 0, fmt.Errorf("CPU clock of the daemon: %w", err)
	}
	return float64(t.Sec) + float64(t.Nsec)/1e9, nil
}

// memory gives the daemon's resident size in MB: now (VmRSS) or the largest so far
// (VmHWM).
func (p *process) memory(field string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("no %s for process %d", field, p.cmd.Process.Pid)
}

// connections is how many carry small messages at once, as in the measurements
// of the peers: a filter on a mail server with traffic is not woken up for each
// message alone.
const connections = 8

// daemon measures the cost of a small message and the memory of a large one.
func (r *report) daemon(binary string) error {
	p, err := startDaemon(binary)
	if err != nil {
		return err
	}
	defer os.RemoveAll(p.dir)
	defer p.stop()
	var mtas []*miltertest.MTA
	for range connections {
		mta, err := p.dial()
		if err != nil {
			return err
		}
		mtas = append(mtas, mta)
	}
	if err := r.smallMessages(p, mtas); err != nil {
		return err
	}
	return r.largeMessage(p, mtas[0])
}

func (r *report) smallMessages(p *process, mtas []*miltertest.MTA) error {
	const messages = 500 // on each connection
	var costs []float64
	for range 9 {
		key, err := keyOperation(p.key)
		if err != nil {
			return err
		}
		before, err := p.cpu()
		if err != nil {
			return err
		}
		if err := sendAll(mtas, messages); err != nil {
			return err
		}
		after, err := p.cpu()
		if err != nil {
			return err
		}
		costs = append(costs, ((after-before)/float64(messages*len(mtas))-key)*1e6)
	}
	got := median(costs)
	r.line("CPU of a signed 4 KB message through a unix socket, beyond the key operation", "≤ 60 µs", fmt.Sprintf("%.0f µs", got), got <= 60)
	return nil
}

// sendAll sends messages over all connections at once.
func sendAll(mtas []*miltertest.MTA, messages int) error {
	raw := message(4 << 10)
	results := make(chan error, len(mtas))
	for _, mta := range mtas {
		go func() {
			var err error
			for i := 0; i < messages && err == nil; i++ {
				err = signed(mta.Send(raw))
			}
			results <- err
		}()
	}
	var first error
	for range mtas {
		if err := <-results; first == nil {
			first = err
		}
	}
	return first
}

// keyOperation is the CPU time of one signature, in seconds, with all cores at
// work, as they are while daemon and MTA talk: cores that are two threads of one
// share what it is made of, and a signature alone on them takes half the time.
func keyOperation(key *dkim.PrivateKey) (float64, error) {
	times := make([]float64, runtime.NumCPU())
	errs := make([]error, len(times))
	var wg sync.WaitGroup
	for i := range times {
		wg.Go(func() { times[i], errs[i] = signMany(key) })
	}
	wg.Wait()
	return median(times), errors.Join(errs...)
}

// signMany is the CPU time of one signature of many, on one thread.
func signMany(key *dkim.PrivateKey) (float64, error) {
	const times = 2000
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, after unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &before); err != nil {
		return 0, err
	}
	for range times {
		if _, err := key.Sign(make([]byte, 32)); err != nil {
			return 0, err
		}
	}
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &after); err != nil {
		return 0, err
	}
	return float64(after.Nano()-before.Nano()) / 1e9 / times, nil
}

func (r *report) largeMessage(p *process, mta *miltertest.MTA) error {
	if err := signed(mta.Send(message(1 << 20))); err != nil {
		return err
	}
	before, err := p.memory("VmHWM")
	if err != nil {
		return err
	}
	if err := signed(mta.Send(message(100 << 20))); err != nil {
		return err
	}
	after, err := p.memory("VmHWM")
	if err != nil {
		return err
	}
	r.line("memory that a 100 MB message takes beyond a 1 MB one", "≤ 2 MB", fmt.Sprintf("%.1f MB (%.0f MB in all)", after-before, after), after-before <= 2)
	return nil
}

func signed(result miltertest.Result, err error) error {
	if err != nil {
		return err
	}
	if len(result.Modifications) != 1 {
		return fmt.Errorf("not signed: %v", result.Reply)
	}
	return nil
}

// message has the header fields of ordinary mail and a body of that size.
func message(size int) miltertest.Message {
	var b bytes.Buffer
	b.WriteString("Received: from client.example.net (client.example.net [127.0.0.1])\r\n\tby mx.example.net (Postfix) with ESMTPSA id 4bBENCH\r\n\tfor <b@example.net>; Sat, 21 Nov 2026 21:00:00 +0000 (UTC)\r\n")
	b.WriteString("From: Ada Example <ada@example.com>\r\nTo: Bob <b@example.net>\r\nSubject: A message of ordinary size\r\nDate: Sat, 21 Nov 2026 21:00:00 +0000\r\n")
	b.WriteString("Message-ID: <bench.1@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\nUser-Agent: bench\r\n\r\n")
	for b.Len() < size {
		b.WriteString("The quick brown fox jumps over the lazy dog, and then it does so again.\r\n")
	}
	return miltertest.Message{From: "<ada@example.com>", To: []string{"<b@example.net>"}, Raw: b.Bytes()}
}

// cpuModel is the processor's name.
func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}
