package dns

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	wire "github.com/miekg/dns"
)

// TestMain sees that no goroutine of ours outlives the tests.
func TestMain(m *testing.M) {
	code := m.Run()
	for end := time.Now().Add(time.Minute); code == 0 && leaked() != ""; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			fmt.Println("goroutines left:\n" + leaked())
			code = 1
		}
	}
	os.Exit(code)
}

func leaked() string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range bytes.SplitSeq(stacks, []byte("\n\n")) {
		if bytes.Contains(stack, []byte("internal/dns.")) && !bytes.Contains(stack, []byte("TestMain")) {
			return string(stack)
		}
	}
	return ""
}

// testServer is a name server on loopback, UDP and TCP, which counts what it is asked.
type testServer struct {
	addr string

	mu    sync.Mutex
	asked []string // "udp s1.example."
	ports map[string]bool
	ids   map[uint16]bool
	last  *wire.Msg
}

// handler answers q; it may write what it likes, or nothing.
type handler func(w wire.ResponseWriter, q *wire.Msg)

func newServer(t *testing.T, handle handler) *testServer {
	t.Helper()
	packets, stream := listen(t)
	s := &testServer{addr: packets.LocalAddr().String(), ports: map[string]bool{}, ids: map[uint16]bool{}}
	counting := wire.HandlerFunc(func(w wire.ResponseWriter, q *wire.Msg) {
		s.note(w, q)
		handle(w, q)
	})
	for _, server := range []*wire.Server{{PacketConn: packets, Handler: counting}, {Listener: stream, Handler: counting}} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go server.ActivateAndServe()
		<-started
		t.Cleanup(func() { server.Shutdown() })
	}
	return s
}

// listen opens one port for UDP and TCP; one that is free for UDP may be taken for TCP.
func listen(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for {
		packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		stream, err := net.Listen("tcp4", packets.LocalAddr().String())
		if err == nil {
			return packets, stream
		}
		packets.Close()
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatal(err)
		}
	}
}

func (s *testServer) note(w wire.ResponseWriter, q *wire.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, w.LocalAddr().Network()+" "+q.Question[0].Name)
	s.ports[w.RemoteAddr().String()] = true
	s.ids[q.Id] = true
	s.last = q.Copy()
}

func (s *testServer) questions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// zone answers from records in zone-file form, as a recursive resolver does. Names that it does not have do not exist.
func zone(t *testing.T, records ...string) handler {
	t.Helper()
	rrs := make([]wire.RR, len(records))
	for i, text := range records {
		rr, err := wire.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		rrs[i] = rr
	}
	soa, _ := wire.NewRR("example. 300 IN SOA ns.example. host.example. 1 2 3 4 60")
	return func(w wire.ResponseWriter, q *wire.Msg) {
		reply := new(wire.Msg).SetReply(q)
		name, exists := q.Question[0].Name, false
		for _, rr := range rrs {
			if !strings.EqualFold(rr.Header().Name, name) {
				continue
			}
			exists = true
			switch rr := rr.(type) {
			case *wire.TXT:
				reply.Answer = append(reply.Answer, rr)
			case *wire.CNAME:
				reply.Answer = append(reply.Answer, rr)
				name, exists = rr.Target, false
			}
		}
		if !exists {
			reply.Rcode = wire.RcodeNameError
		}
		if len(reply.Answer) == 0 || !exists {
			reply.Ns = append(reply.Ns, soa)
		}
		if w.LocalAddr().Network() == "udp" {
			reply.Truncate(int(q.IsEdns0().UDPSize()))
		}
		w.WriteMsg(reply)
	}
}

// rcode answers each question with that code.
func rcode(code int) handler {
	return func(w wire.ResponseWriter, q *wire.Msg) { w.WriteMsg(new(wire.Msg).SetRcode(q, code)) }
}

// silent answers nothing.
func silent(wire.ResponseWriter, *wire.Msg) {}

// resolver asks the given servers, with a time-out that is long for a loopback and short for a test. Servers that should answer get many
// attempts, for a busy machine.
func resolver(t *testing.T, c Config, servers ...*testServer) *Resolver {
	t.Helper()
	for _, s := range servers {
		c.Servers = append(c.Servers, s.addr)
	}
	c.Timeout = positiveOr(c.Timeout, 700*time.Millisecond)
	c.Attempts = positiveOr(c.Attempts, 10)
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
