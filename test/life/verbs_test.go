package life

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/daemon"
)

// Exit codes of the verbs.
const (
	done      = 0
	finding   = 2
	refused   = 3
	usage     = 4
	temporary = 6
)

// said is what a verb answered.
type said struct {
	*story
	daemon.Output
	verb string
}

// run runs a verb as root, on the story's machine.
func (s *story) run(args ...string) said {
	s.Helper()
	args = append(args, "--config", s.config)
	var out daemon.Output
	var err error
	if s.on == nil {
		out, err = program.Do(args...)
	} else {
		out, err = program.DoOn(s.on, args...)
	}
	s.Must(err)
	return said{s, out, strings.Join(args, " ")}
}

// ok runs a verb that has to succeed.
func (s *story) ok(args ...string) said {
	s.Helper()
	return s.run(args...).exits(done)
}

func (r said) exits(code int) said {
	r.Helper()
	if r.Code != code {
		r.Fatalf("postseal %s: exit code %d, want %d\n%s%s", r.verb, r.Code, code, r.Out, r.Err)
	}
	return r
}

// says wants texts in what was printed, in this order.
func (r said) says(texts ...string) said {
	r.Helper()
	rest := r.Out
	for _, want := range texts {
		_, after, found := strings.Cut(rest, want)
		if !found {
			r.Fatalf("postseal %s: no %q (in this order) in\n%s", r.verb, want, r.Out)
		}
		rest = after
	}
	return r
}

// warns wants texts on standard error.
func (r said) warns(texts ...string) said {
	r.Helper()
	for _, want := range texts {
		if !strings.Contains(r.Err, want) {
			r.Errorf("postseal %s: no %q in\n%s", r.verb, want, r.Err)
		}
	}
	return r
}

// row is what `domain show --json` says.
type row struct {
	Domain struct{ Name string }
	Status struct{ Word, Label, Colour, Code, Text, Next string }
	Keys   []rowKey
	Runs   map[string][]struct { // of checks, by key
		At     time.Time
		Passed bool
		Source string
	}
}

type rowKey struct {
	ID, Selector, State, Record string
	VerifiedAt                  time.Time `json:"verified_at"`
	LastSignedAt                time.Time `json:"last_signed_at"`
	Health                      struct{ Status, Reason, Code, Text string }
}

func (s *story) show(name string) (r row) {
	s.Helper()
	s.Must(json.Unmarshal([]byte(s.ok("domain", "show", name, "--json").Out), &r))
	return r
}

// key is the latest key of a row.
func (s *story) key(name string) rowKey {
	s.Helper()
	keys := s.show(name).Keys
	if len(keys) == 0 {
		s.Fatalf("%s has no key", name)
	}
	return keys[len(keys)-1]
}

// is wants a status, by its label.
func (s *story) is(name, label string) {
	s.Helper()
	if r := s.show(name); r.Status.Label != label {
		s.Errorf("%s is %q (%s), want %q", name, r.Status.Label, r.Status.Text, label)
	}
}

// publish puts into DNS just what postseal writes for a zone file, and returns the records' names.
func (s *story) publish(names ...string) (published []string) {
	s.Helper()
	zone := s.ok(append([]string{"domain", "records", "--format", "bind"}, names...)...).Out
	parser := wire.NewZoneParser(strings.NewReader(zone), "", "")
	for rr, more := parser.Next(); more; rr, more = parser.Next() {
		h := rr.Header()
		s.Must(dns.SetFor(h.Ttl, h.Name, wire.TypeToString[h.Rrtype], strings.TrimPrefix(rr.String(), h.String())))
		published = append(published, h.Name)
	}
	if err := parser.Err(); err != nil || len(published) == 0 {
		s.Fatalf("%v in\n%s", err, zone)
	}
	return published
}

// add makes a key, waits until the milter knows, and gives its selector.
func (s *story) add(name string, flags ...string) string {
	s.Helper()
	s.ok(append([]string{"domain", "add", name}, flags...)...)
	s.known(name)
	return s.key(name).Selector
}

// known waits until the milter has a row of the store.
func (s *story) known(name string) {
	s.Helper()
	if !strings.Contains(name, "@") {
		name = "someone@" + name
	}
	s.soon(name, "the milter knows "+name, func(d delivery) bool { return d.line.Reason != "no-key" })
}

// confirmed publishes the records of names and waits until the daemon has found out: the first look is asked for, the second is its own.
func (s *story) confirmed(names ...string) {
	s.Helper()
	before := map[string]int{}
	for _, name := range names {
		before[name] = len(s.told("key.verified", name))
		s.publish(name)
		s.ok("domain", "verify", name).says("live and correct")
	}
	for _, name := range names {
		s.tells("key.verified", name, before[name])
	}
}

// connected adds a domain and waits until it is Connected and the milter knows; it gives the selector.
func (s *story) connected(name string, flags ...string) string {
	s.Helper()
	selector := s.add(name, flags...)
	s.confirmed(name)
	s.is(name, "Connected")
	s.signedSoon(name, name+"/"+selector)
	return selector
}

// signedSoon waits until mail of a domain is signed with a key: the milter hears of changes a little later than the verbs are done.
func (s *story) signedSoon(domain, key string) {
	s.Helper()
	s.soon("someone@"+domain, "mail of "+domain+" is signed with "+key, func(d delivery) bool { return d.line.Keys == key })
}

// soon sends mail until one message is as it should be.
func (s *story) soon(from, what string, right func(delivery) bool) {
	s.Helper()
	s.Must(await.That(what, func() bool { return right(s.send(from)) }))
}

func (s *story) record(selector, domain string) string {
	return fmt.Sprintf("%s._domainkey.%s", selector, domain)
}
