package life

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/machine"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// Two hosts and one PostgreSQL: the same keys, each change on both, one that looks after the keys, and mail that goes on whatever dies.
func TestFleet(t *testing.T) {
	t.Parallel()
	url, err := database.Create()
	if err != nil {
		t.Fatal(err)
	}
	one := prepare(t, setup{store: url, on: machine.Named("mx1.lab.test")})
	two := prepare(t, setup{store: url, identity: one.Path("identity/identity"), on: machine.Named("mx2.lab.test")})
	one.others, two.others = []*story{two}, []*story{one}
	fleet := []*story{one, two}
	one.Must(database.Run("ALTER DATABASE " + databaseName(url) + " SET log_statement = 'all'"))
	one.start()
	two.start()
	domain := one.zone
	selector := one.connected(domain)
	key := domain + "/" + selector

	one.within("the same key", func() {
		two.signedSoon(domain, key)
		for _, host := range fleet {
			host.isSigned(host.send("ada@"+domain), "managed-key", key)
		}
	})
	one.within("a change is on both at once", func() {
		off, on := leavesAlone("domain-disabled"), signsWith(key)
		followedBy(fleet, domain, change{one, "disable", off}, change{one, "enable", on}, change{two, "disable", off}, change{two, "enable", on})
	})

	var next string
	one.within("a rotation is on both", func() {
		two.ok("domain", "rotate", domain)
		next = one.key(domain).Selector
		one.confirmed(domain)
		for _, host := range fleet {
			host.signedSoon(domain, domain+"/"+next)
			host.isSigned(host.send("ada@"+domain), "managed-key", domain+"/"+next)
		}
	})
	one.within("another key is on both at once", func() { // each time the key that does not sign takes over
		first, second := signsWith(key), signsWith(domain+"/"+next)
		followedBy(fleet, domain, change{one, "rollback", first}, change{two, "rollback", second}, change{two, "rollback", first}, change{one, "rollback", second})
	})
	key = domain + "/" + next

	one.within("another host takes over", func() {
		keeper, other := one.keeper(fleet, domain)
		keeper.daemon.Kill()
		late := "late." + domain
		other.add(late)
		other.confirmed(late)
		if now, _ := other.keeper(fleet, late); now != other {
			other.Errorf("%s moved the key", now.on.Name)
		}
		other.isSigned(other.send("ada@"+domain), "managed-key", key)
		keeper.start()
		keeper.isSigned(keeper.send("ada@"+domain), "managed-key", key)
	})
	one.within("the database is away", func() {
		one.withoutDatabase(fleet, url, key)
	})
	one.within("the database sees nothing of a message", func() { unseen(fleet, domain, key) })
}

// databaseName is that of a URL.
func databaseName(url string) string {
	return url[strings.LastIndex(url, "/")+1 : strings.Index(url, "?")]
}

// change is a verb that somebody runs on a host, and what each host does from then on.
type change struct {
	on   *story
	verb string
	then func(*story, delivery)
}

// heardWithin is less than a host takes that hears of nothing and looks every half minute, and ample for one that is told within a second, on
// a machine that is busy.
const heardWithin = 15 * time.Second

// followedBy makes changes, and measures how soon all hosts know: the fastest tells, on a machine that is busy.
func followedBy(fleet []*story, domain string, changes ...change) {
	fastest := time.Hour
	for _, c := range changes {
		c.on.Helper()
		var before []int
		for _, host := range fleet {
			before = append(before, len(host.reads()))
		}
		c.on.ok("domain", c.verb, domain)
		returned, slowest := time.Now(), time.Duration(0)
		for i, host := range fleet {
			slowest = max(slowest, host.follows(before[i]).Time.Sub(returned))
			c.then(host, host.send("ada@"+domain)) // the very next message
		}
		fastest = min(fastest, slowest)
	}
	if fastest > heardWithin {
		fleet[0].Errorf("the last host heard of a change after %v at best", fastest)
	}
}

func leavesAlone(reason string) func(*story, delivery) {
	return func(s *story, d delivery) { s.isLeftAlone(d, reason) }
}

func signsWith(key string) func(*story, delivery) {
	return func(s *story, d delivery) { s.isSignedUnseen(d, "managed-key", key) }
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
	case fleet[0].on.Name:
		return fleet[0], fleet[1]
	case fleet[1].on.Name:
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
	s.Must(database.Stop())
	for _, host := range fleet {
		_, err := host.daemon.Says("the store is away; what it said last serves on")
		s.Must(err)
		for range 3 {
			host.isSignedUnseen(host.send("ada@"+domain), "managed-key", key)
		}
	}
	s.run("domain", "disable", domain).exits(temporary).warns("not available")
	late := prepare(s.T, setup{store: url, identity: s.Path("identity/identity")})
	code, words, err := program.ServeInVain(late.config, sandbox.ServiceID)
	s.Must(err)
	if code != temporary || !strings.Contains(words, "not available") || strings.Contains(words, "listening") {
		s.Errorf("a daemon that was never able to read the store ends with %d and says:\n%s", code, words)
	}
	s.Must(database.Start())
	for _, host := range fleet {
		_, err := host.daemon.Says("the store is back")
		s.Must(err)
	}
	s.Must(database.Stop()) // a restart, which takes no time
	s.Must(database.Start())
	s.ok("domain", "disable", domain)
	for _, host := range fleet {
		s.Must(await.That("the change reaches "+host.on.Name, func() bool { return host.send("ada@"+domain).line.Reason == "domain-disabled" }))
	}
}
