// Package life follows keys from `domain add` to `domain delete`, with nothing but real parts: the daemon, the verbs as processes of
// root's, Postfix, Knot DNS, PostgreSQL, and dkimpy to judge what is delivered. No clock is turned: what takes days is tested in
// internal/domains. The stories wait for DNS to be looked at twice, so they run side by side, each with a daemon, a zone and an
// address of Postfix of its own.
package life

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/machine"
	"github.com/postseal/postseal/test/internal/nameserver"
	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/postgres"
	"github.com/postseal/postseal/test/internal/resolver"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
)

var (
	program  daemon.Program
	dns      *nameserver.Server
	nextHop  *sink.Sink
	mta      *postfix.Postfix
	database *postgres.Server
	remote   *postgres.Server // for machines beyond a cable
	relayed  *relay           // their resolver
	taken    atomic.Int64     // places
	farTaken atomic.Int64     // those beyond a cable
	cables   atomic.Int64
)

const (
	places        = 30 // how many daemons there may be
	farPlaces     = 6  // and how many beyond a cable
	nameServer    = "127.7.2.53"
	sinkAddress   = "127.9.2.1"
	remoteAddress = "203.0.113.5"
	relayAddress  = "203.0.113.53"
)

// keyZones are ours, in which customers' CNAME records end; each is for one story.
var keyZones = []string{"kartramail.test", "infusionmail.test", "dkim.infusionmail.test", "stolen.test"}

// place is where a daemon lives: Postfix sends what comes in at mta through the milter.
type place struct {
	number            int
	zone, mta, milter string // milter is a path beyond a cable: the mail server is always on the daemon's side
	hook              string
}

func placeAt(n int) place {
	p := place{
		number: n,
		zone:   fmt.Sprintf("z%02d.test", n),
		mta:    fmt.Sprintf("127.9.0.%d", n),
		milter: fmt.Sprintf("127.9.1.%d:8891", n),
		hook:   fmt.Sprintf("127.9.3.%d:80", n),
	}
	if n > places {
		p.milter = filepath.Join(sandbox.Dir(), "sockets", strconv.Itoa(n))
	}
	return p
}

// listener is the milter's address as Postfix spells it, and we do.
func (p place) listener() string {
	if p.number > places {
		return "unix:" + p.milter
	}
	return "inet:" + p.milter
}

// newPlace is one that no other story has.
func newPlace(t *testing.T, far bool) place {
	t.Helper()
	first, most, count := 0, places, &taken
	if far {
		first, most, count = places, farPlaces, &farTaken
	}
	n := int(count.Add(1))
	if n > most {
		t.Fatalf("there are %d places only", most)
	}
	return placeAt(first + n)
}

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "24"); err != nil { // they wait, most of the time
		panic(err)
	}
	sandbox.MainAfter(m, build)
}

func build(dir string) (err error) {
	if program, err = daemon.Install(dir); err != nil {
		return err
	}
	var zones []string
	var listeners []postfix.Listener
	for n := 1; n <= places+farPlaces; n++ {
		p := placeAt(n)
		zones = append(zones, p.zone)
		listeners = append(listeners, postfix.Listener{Address: p.mta, Milter: p.listener()})
	}
	zones = append(zones, keyZones...)
	if dns, err = nameserver.Start(filepath.Join(dir, "dns"), nameServer, sandbox.OuterIPv4, zones...); err != nil {
		return err
	}
	if err = writeDDNSKey(); err != nil {
		return err
	}
	if _, err = resolver.Start(resolver.Config{Dir: filepath.Join(dir, "resolver"), Address: sandbox.Resolver, Root: nameServer}); err != nil {
		return err
	}
	if nextHop, err = sink.Listen(sinkAddress + ":25"); err != nil {
		return err
	}
	if database, err = postgres.New(filepath.Join(dir, "postgres")); err != nil {
		return err
	}
	if err = buildFar(dir); err != nil {
		return err
	}
	mta, err = postfix.Start(postfix.Config{
		Dir: filepath.Join(dir, "postfix"), ConfigDir: "/etc/postfix", Listeners: listeners, NextHop: sinkAddress,
	})
	return err
}

// buildFar makes what machines beyond a cable need.
func buildFar(dir string) error {
	sockets := filepath.Join(dir, "sockets")
	if err := os.Mkdir(sockets, 0o755); err != nil {
		return err
	}
	if err := os.Chown(sockets, sandbox.ServiceID, sandbox.ServiceID); err != nil {
		return err
	}
	if err := errors.Join(machine.Serve(remoteAddress), machine.Serve(relayAddress)); err != nil {
		return err
	}
	var err error
	if relayed, err = startRelay(relayAddress); err != nil {
		return err
	}
	remote, err = postgres.NewAt(filepath.Join(dir, "remote"), remoteAddress)
	return err
}
