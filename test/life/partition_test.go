package life

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/judge"
	"github.com/postseal/postseal/test/internal/machine"
	"github.com/postseal/postseal/test/internal/postgres"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// A network that loses the host which looks after the keys: it hears nothing of that, signs on, and its signatures count.
func TestPartition(t *testing.T) {
	t.Parallel()
	cut, other, url := far(t)
	domain := cut.zone
	old := cut.connected(domain)
	signs := func(s *story, selector string) delivery { // explain would ask the store
		s.Helper()
		d := s.send("ada@" + domain)
		s.isSignedUnseen(d, "managed-key", domain+"/"+selector)
		s.passes(judge.DKIMPy, d, domain+"/"+selector)
		return d
	}
	other.signedSoon(domain, domain+"/"+old)
	other.ok("domain", "set", domain, "--retire-after", "1s")

	cut.Must(cut.on.Pull())
	last := cut.lease(url)
	cut.within("nobody is told", func() {
		if n := connections(cut, url); n == 0 {
			cut.Error("PostgreSQL has heard that the host is gone")
		}
		cut.run("domain", "list").exits(temporary).warns("not available")
		signs(cut, old)
	})
	var next string
	cut.within("another host takes over", func() {
		other.ok("domain", "rotate", domain)
		next = other.key(domain).Selector
		other.publish(domain)
		other.ok("domain", "verify", domain).says("live and correct") // the first of two looks
		now := other.takes(url, last)
		if since := now.until.Add(-leaseFor); now.number != last.number+1 || since.Before(last.until) {
			cut.Errorf("%+v followed %+v", now, last)
		}
		other.tells("key.activated", domain, 1) // the second look is its own
		other.signedSoon(domain, domain+"/"+next)
	})
	var late delivery
	cut.within("it signs with a key that DNS still has", func() {
		signs(other, next)
		late = signs(cut, old)
	})
	cut.within("retirement waits for it", func() {
		other.tells("rotation.blocked", domain, 0)
		other.ok("log", domain).says("cannot retire: host " + cut.on.Name + " may still sign with it")
		other.ok("host", "list").says(cut.on.Name, other.on.Name)
		other.hasState(domain, old, "retiring")
	})
	cut.Must(cut.on.Plug())
	cut.within("it is back", func() {
		cut.signedSoon(domain, domain+"/"+next)
		signs(cut, next)
		if now := cut.lease(url); !now.of(other) || now.number != last.number+1 {
			cut.Errorf("the lease is %+v", now)
		}
		_, after, _ := strings.Cut(cut.ok("log", domain, "-n", "0").Out, "keeper@"+other.on.Name)
		if strings.Contains(after, "keeper@"+cut.on.Name) {
			cut.Errorf("it still looks after the keys:\n%s", after)
		}
	})
	cut.within("its last signature counts, though told late", func() { cut.toldLate(domain, old, late) })
}

// toldLate waits for the report of a signature, and wants the key's retention to begin with it.
func (s *story) toldLate(domain, selector string, d delivery) {
	s.Helper()
	s.Must(await.Patiently("the report of the last signature", func() bool {
		return !s.selected(domain, selector).LastSignedAt.Before(d.line.Time.Truncate(time.Second))
	}))
	s.ok("domain", "set", domain, "--retire-after", "1h")
	s.ok("domain", "verify", domain)
	s.hasState(domain, selector, "retiring")
	until := s.selected(domain, selector).LastSignedAt.Add(time.Hour)
	s.ok("domain", "records", domain).says("Keep until "+until.UTC().Format("2006-01-02 15:04"), selector+"._domainkey")
	s.ok("domain", "set", domain, "--retire-after", "1s")
	s.Must(await.Patiently("the report of the other host, too", func() bool { // it says that it stopped as well
		s.ok("domain", "verify", domain)
		return s.selected(domain, selector).State == "retired"
	}))
	s.tells("key.safe-to-remove", domain, 0)
}

// A host that is paused between its question to DNS and what it writes, as when its machine is moved to another room, and that goes on
// when another host has taken over: what it still wants to write is refused by the number of its lease.
func TestPausedLeader(t *testing.T) {
	t.Parallel()
	paused, other, url := far(t)
	domain := paused.zone
	selector := other.add(domain)
	other.publish(domain)
	other.ok("domain", "verify", domain).says("live and correct") // the first of two looks
	asked, release := relayed.holds(paused.on.Address, paused.record(selector, domain))
	paused.Must(await.Closed("the second look", asked))
	paused.Must(paused.daemon.Signal(syscall.SIGSTOP))
	paused.Must(paused.on.Pull())
	last := paused.lease(url)

	other.takes(url, last)
	other.tells("key.activated", domain, 0)
	before := other.show(domain)
	release()
	paused.Must(paused.on.Plug())
	paused.Must(paused.daemon.Signal(syscall.SIGCONT))
	line, err := paused.daemon.Says("the keys cannot be looked after for now")
	paused.Must(err)
	if !strings.Contains(line.Text, "another host keeps the keys now") {
		paused.Errorf("it said %s", line.Text)
	}
	after := other.show(domain)
	if id := before.Keys[0].ID; len(after.Runs[id]) != len(before.Runs[id]) || after.Keys[0] != before.Keys[0] {
		paused.Errorf("it wrote:\n%+v\n%+v", before, after)
	}
	if now := other.lease(url); !now.of(other) || now.number != last.number+1 {
		paused.Errorf("the lease is %+v", now)
	}
	for _, s := range []*story{paused, other} {
		s.signedSoon(domain, domain+"/"+selector)
		s.isSigned(s.send("ada@"+domain), "managed-key", domain+"/"+selector)
	}
}

// far starts two hosts on machines of their own, each with its mail server; the database and DNS are beyond their cables. The first
// one looks after the keys.
func far(t *testing.T) (leader, other *story, url string) {
	t.Helper()
	url, err := remote.Create()
	if err != nil {
		t.Fatal(err)
	}
	var fleet []*story
	identity := ""
	for _, name := range []string{"mx1.lab.test", "mx2.lab.test"} {
		m, err := machine.New(int(cables.Add(1)), name, sandbox.Dir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Remove)
		s := prepare(t, setup{store: url, identity: identity, resolver: relayAddress + ":53", via: "resolver", on: m})
		identity = s.Path("identity/identity")
		s.start()
		fleet = append(fleet, s)
		s.Must(await.That("somebody looks after the keys", func() bool { return s.lease(url).holder != "" }))
	}
	leader, other = fleet[0], fleet[1]
	leader.others, other.others = []*story{other}, []*story{leader}
	if l := leader.lease(url); !l.of(leader) {
		t.Fatalf("the first host does not have the lease: %+v", l)
	}
	return leader, other, url
}

// lease is what the store says about who looks after the keys.
type lease struct {
	holder string
	number int64
	until  time.Time
}

// of tells whether a host has it.
func (l lease) of(s *story) bool { return strings.HasPrefix(l.holder, s.on.Name+"-") }

func (s *story) lease(url string) (l lease) {
	s.Helper()
	var micros int64
	s.Must(postgres.Row(url, "SELECT lease_holder, lease_number, lease_until FROM store", &l.holder, &l.number, &micros))
	l.until = time.UnixMicro(micros)
	return l
}

// leaseFor is how long a lease lasts that is not renewed.
const leaseFor = 30 * time.Second

// takes waits until s has the lease that was another's.
func (s *story) takes(url string, was lease) (now lease) {
	s.Helper()
	s.Must(await.Patiently(s.on.Name+" looks after the keys", func() bool {
		now = s.lease(url)
		return now.holder != was.holder
	}))
	if !now.of(s) {
		s.Fatalf("%+v", now)
	}
	return now
}

// connections are those that PostgreSQL believes to have with a host's machine.
func connections(s *story, url string) (n int) {
	s.Helper()
	s.Must(postgres.Row(url, "SELECT count(*) FROM pg_stat_activity WHERE host(client_addr) = '"+s.on.Address+"'", &n))
	return n
}

// selected is the latest key of a row with a selector.
func (s *story) selected(name, selector string) (found rowKey) {
	s.Helper()
	for _, k := range s.show(name).Keys {
		if k.Selector == selector {
			found = k
		}
	}
	if found.ID == "" {
		s.Fatalf("%s has no key %s", name, selector)
	}
	return found
}

func (s *story) hasState(name, selector, state string) {
	s.Helper()
	if k := s.selected(name, selector); k.State != state {
		s.Errorf("%s of %s is %s, want %s", selector, name, k.State, state)
	}
}
