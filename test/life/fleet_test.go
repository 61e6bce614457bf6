package life

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// Two hosts and one PostgreSQL: the same keys, each change on both, one that looks after the keys, and mail that goes on whatever dies.
func TestFleet(t *testing.T) {
	t.Parallel()
	url, err := database.Create()
	if err != nil {
		t.Fatal(err)
	}
	one := prepare(t, setup{store: url})
	two := prepare(t, setup{store: url, identity: one.path("identity/identity")})
	one.host, two.host = "mx1.lab.test", "mx2.lab.test"
	one.others, two.others = []*story{two}, []*story{one}
	fleet := []*story{one, two}
	one.start()
	two.start()
	domain := one.zone
	selector := one.connected(domain)
	key := domain + "/" + selector

	one.within("the same key", func() {
		two.T = one.T
		two.signedSoon(domain, key)
		for _, host := range fleet {
			host.isSigned(host.send("ada@"+domain), "managed-key", key)
		}
	})
	two.T = t
	one.within("a change is on both at once", func() {
		two.T = one.T
		one.followedBy(fleet, domain, key)
	})
	two.T = t

	var next string
	one.within("a rotation is on both", func() {
		two.T = one.T
		two.ok("domain", "rotate", domain)
		next = one.key(domain).Selector
		one.confirmed(domain)
		for _, host := range fleet {
			host.signedSoon(domain, domain+"/"+next)
			host.isSigned(host.send("ada@"+domain), "managed-key", domain+"/"+next)
		}
	})
	two.T = t
	key = domain + "/" + next

	one.within("another host takes over", func() {
		two.T = one.T
		keeper, other := one.keeper(fleet, domain)
		keeper.daemon.Kill()
		late := "late." + domain
		other.add(late)
		other.confirmed(late)
		if now, _ := other.keeper(fleet, late); now != other {
			other.Errorf("%s moved the key", now.host)
		}
		other.isSigned(other.send("ada@"+domain), "managed-key", key)
		keeper.start()
		keeper.isSigned(keeper.send("ada@"+domain), "managed-key", key)
	})
	two.T = t
	one.within("the database is away", func() {
		two.T = one.T
		one.withoutDatabase(fleet, url, key)
	})
	two.T = t
}

// followedBy switches the domain off and on, and measures how soon both hosts know: the fastest tells, on a machine that is busy.
func (s *story) followedBy(fleet []*story, domain, key string) {
	s.Helper()
	fastest := time.Hour
	for _, verb := range []string{"disable", "enable", "disable", "enable"} {
		var before []int
		for _, host := range fleet {
			before = append(before, len(host.reads()))
		}
		s.ok("domain", verb, domain)
		returned, slowest := time.Now(), time.Duration(0)
		for i, host := range fleet {
			slowest = max(slowest, host.follows(before[i]).Time.Sub(returned))
			if d := host.send("ada@" + domain); verb == "enable" {
				host.isSignedUnseen(d, "managed-key", key)
			} else {
				host.isLeftAlone(d, "domain-disabled")
			}
		}
		fastest = min(fastest, slowest)
	}
	if fastest > time.Second {
		s.Errorf("the last host heard of a change after %v at best", fastest)
	}
}

// moved is a line of the journal by which a keeper put a key into service.
var moved = regexp.MustCompile(`keeper@(\S+)-(\d+)-\S+  \S+  check ready -> active`)

// keeper tells which host looks after the keys, by the last key of a domain that it put into service.
func (s *story) keeper(fleet []*story, domain string) (keeper, other *story) {
	s.Helper()
	lines := moved.FindAllStringSubmatch(s.ok("log", domain, "-n", "0").Out, -1)
	if len(lines) == 0 {
		s.Fatalf("nobody put a key of %s into service", domain)
	}
	switch host := lines[len(lines)-1][1]; host {
	case fleet[0].host:
		return fleet[0], fleet[1]
	case fleet[1].host:
		return fleet[1], fleet[0]
	default:
		s.Fatalf("the keeper is on host %s", host)
		return nil, nil
	}
}

// withoutDatabase stops PostgreSQL for a while.
func (s *story) withoutDatabase(fleet []*story, url, key string) {
	s.Helper()
	domain, _, _ := strings.Cut(key, "/")
	s.must(database.Stop())
	for _, host := range fleet {
		_, err := host.daemon.Says("the store is away; what it said last serves on")
		s.must(err)
		for range 3 {
			host.isSignedUnseen(host.send("ada@"+domain), "managed-key", key)
		}
	}
	s.run("domain", "disable", domain).exits(temporary).warns("not available")
	late := prepare(s.T, setup{store: url, identity: s.path("identity/identity")})
	code, words, err := program.ServeInVain(late.config, sandbox.ServiceID)
	s.must(err)
	if code != temporary || !strings.Contains(words, "not available") || strings.Contains(words, "listening") {
		s.Errorf("a daemon that was never able to read the store ends with %d and says:\n%s", code, words)
	}
	s.must(database.Start())
	for _, host := range fleet {
		_, err := host.daemon.Says("the store is back")
		s.must(err)
	}
	s.ok("domain", "disable", domain)
	for _, host := range fleet {
		s.must(await.That("the change reaches "+host.host, func() bool { return host.send("ada@"+domain).line.Reason == "domain-disabled" }))
	}
}
