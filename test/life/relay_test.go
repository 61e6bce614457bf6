package life

import (
	"net"
	"strings"
	"sync"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/test/internal/await"
)

// serveDNS serves on an address, port 53, until the process ends.
func serveDNS(address string, handler wire.Handler) error {
	for _, network := range []string{"udp", "tcp"} {
		up, failed := make(chan struct{}), make(chan error, 1)
		server := &wire.Server{Addr: address + ":53", Net: network, Handler: handler, NotifyStartedFunc: func() { close(up) }}
		go func() { failed <- server.ListenAndServe() }()
		select {
		case <-up:
		case err := <-failed:
			return err
		}
	}
	return nil
}

// passOn asks the name server, which has everything but what lies behind a CNAME; the sandbox's resolver would take the TTL away.
func passOn(w wire.ResponseWriter, q *wire.Msg) *wire.Msg {
	client := wire.Client{Net: w.RemoteAddr().Network(), Timeout: await.Deadline}
	r, _, err := client.Exchange(q, nameServer+":53")
	if err != nil {
		return new(wire.Msg).SetRcode(q, wire.RcodeServerFailure)
	}
	return r
}

// relay is the resolver of machines beyond a cable. It tells when one of them asks for a certain name.
type relay struct {
	mu     sync.Mutex
	awaits map[string]func() // what to do when a question comes that is held, by the asker's address and the name
}

func startRelay(address string) (*relay, error) {
	r := &relay{awaits: map[string]func(){}}
	return r, serveDNS(address, r)
}

// holds leaves the questions of asker for the TXT records of name without an answer until release, and closes asked when the first
// one comes.
func (r *relay) holds(asker, name string) (asked <-chan struct{}, release func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ch, key := make(chan struct{}), asker+" "+name+"."
	r.awaits[key] = sync.OnceFunc(func() { close(ch) })
	return ch, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.awaits, key)
	}
}

// held tells whether a question is to be left without an answer.
func (r *relay) held(from net.Addr, q wire.Question) bool {
	asker, _, _ := net.SplitHostPort(from.String())
	r.mu.Lock()
	defer r.mu.Unlock()
	comes := r.awaits[asker+" "+strings.ToLower(q.Name)]
	if comes == nil || q.Qtype != wire.TypeTXT {
		return false
	}
	comes()
	return true
}

func (r *relay) ServeDNS(w wire.ResponseWriter, q *wire.Msg) {
	if r.held(w.RemoteAddr(), q.Question[0]) {
		return
	}
	_ = w.WriteMsg(passOn(w, q))
}
