package life

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/sink"
)

// From `domain add` to Connected and on, with nobody at the keyboard in between, however DNS is asked.
func TestFromAddToConnected(t *testing.T) {
	t.Parallel()
	for _, via := range []string{"authoritative", "resolver"} {
		t.Run(via, func(t *testing.T) {
			t.Parallel()
			connect(t, via)
		})
	}
}

func connect(t *testing.T, via string) {
	hook := new(webhook)
	s := prepare(t, setup{via: via})
	s.Write("postseal.toml", s.configuration(setup{via: via, tables: `[notify]
mail_to = ["dns-team@in.test"]
mail_from = "postseal@mx.lab.test"
mail_server = "` + s.mta + `:25"
webhook = "http://` + s.hook + `/told"
`}))
	hook.listen(s)
	s.start()
	s.isLeftAlone(s.send("ada@"+s.zone), "no-key")

	s.ok("domain", "add", s.zone, "--contact", "hostmaster@"+s.zone).says("made", "Pending validation", "waiting for hostmaster@"+s.zone, "Create a new TXT record")
	s.known(s.zone)
	s.within("INF-17", func() { s.isLeftAlone(s.send("ada@"+s.zone), "key-not-active") })
	selector := s.key(s.zone).Selector
	s.within("MA-13", func() {
		if names := s.publish(s.zone); len(names) != 1 || names[0] != s.record(selector, s.zone)+"." {
			s.Errorf("published %v", names)
		}
	})
	s.within("KAR-25", func() {
		s.ok("domain", "list", "--color", "always").says(s.zone, selector, "\x1b[33mPending validation\x1b[0m")
	})
	s.within("KAR-26", func() { // nothing is said to postseal between here and there
		s.tells("key.activated", s.zone, 0)
	})
	s.within("KAR-27", func() { s.ok("domain", "list", "--color", "always").says(s.zone, selector, "\x1b[32mConnected\x1b[0m") })
	s.within("two looks half a minute apart", func() { s.confirmedBy(via) })
	s.within("INF-28", func() {
		s.signedSoon(s.zone, s.zone+"/"+selector)
		s.isSigned(s.send("ada@"+s.zone), "managed-key", s.zone+"/"+selector)
	})
	s.within("TST-9", func() { s.switchTwice(selector) })
	s.within("journal", func() {
		s.ok("log", s.zone).says("root", "add generated -> pending: records handed out", "keeper@", "check pending -> ready: DNS confirmed the key twice",
			"check ready -> active: verified", "root", "disable: disabled", "enable: enabled")
	})
	s.within("told once", func() {
		for _, event := range []string{"key.records", "key.verified", "key.activated"} {
			s.toldOnce(hook, event)
		}
	})
}

// confirmedBy looks at the checks that opened the gate.
func (s *story) confirmedBy(via string) {
	s.Helper()
	r := s.show(s.zone)
	var passes []time.Time
	for _, run := range r.Runs[r.Keys[0].ID] {
		if run.Passed {
			passes = append(passes, run.At)
		}
		if run.Source != via {
			s.Errorf("the %s was asked", run.Source)
		}
	}
	if len(passes) < 2 || passes[0].Sub(passes[len(passes)-1]) < 30*time.Second {
		s.Errorf("passed at %v, the last one first", passes)
	}
}

// switchTwice disables and enables the domain, twice. The milter hears of each change by itself, not because it looks every half minute:
// the fastest of the four, on a machine that is busy, tells.
func (s *story) switchTwice(selector string) {
	s.Helper()
	before := s.show(s.zone)
	fastest := time.Hour
	change := func(verb, label string) {
		n := len(s.reads())
		s.ok("domain", verb, s.zone).says(label)
		returned := time.Now()
		fastest = min(fastest, s.follows(n).Time.Sub(returned))
	}
	for range 2 {
		change("disable", "Disabled")
		s.isLeftAlone(s.send("ada@"+s.zone), "domain-disabled")
		change("enable", "Connected")
		s.isSigned(s.send("ada@"+s.zone), "managed-key", s.zone+"/"+selector)
	}
	if fastest > heardWithin {
		s.Errorf("the milter heard of a change after %v at best", fastest)
	}
	after := s.show(s.zone)
	id := before.Keys[0].ID
	if after.Keys[0].ID != id || !after.Keys[0].VerifiedAt.Equal(before.Keys[0].VerifiedAt) || len(after.Runs[id]) != len(before.Runs[id]) {
		s.Errorf("another key, or verified anew:\n%+v\n%+v", before, after)
	}
}

// toldOnce wants one mail, delivered by Postfix, and one call of the hook about an event.
func (s *story) toldOnce(hook *webhook, event string) {
	s.Helper()
	isIt := func(m *sink.Message) bool {
		return bytes.Contains(m.Header(), []byte("Subject: [postseal] "+event+" "+s.zone+"\r\n"))
	}
	s.Must(await.That("mail about "+event, func() bool { return nextHop.Count(isIt) > 0 }))
	s.Must(await.That("call about "+event, func() bool { return hook.count(event, s.zone) > 0 }))
	if mails, calls := nextHop.Count(isIt), hook.count(event, s.zone); mails != 1 || calls != 1 {
		s.Errorf("%s was told by %d mails and %d calls", event, mails, calls)
	}
}

// webhook keeps what it is told.
type webhook struct {
	mu   sync.Mutex
	told []struct{ Event, Domain string }
}

func (h *webhook) listen(s *story) {
	s.Helper()
	l, err := net.Listen("tcp", s.hook)
	s.Must(err)
	server := &http.Server{Handler: h, ReadHeaderTimeout: await.Deadline}
	go server.Serve(l)
	s.Cleanup(func() { server.Close() })
}

func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var told struct{ Event, Domain string }
	if err := json.NewDecoder(r.Body).Decode(&told); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, told)
}

func (h *webhook) count(event, domain string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.told {
		if t.Event == event && t.Domain == domain {
			n++
		}
	}
	return n
}
