// Package life follows keys from `domain add` to `domain delete`, with nothing but real parts: the daemon, the verbs as processes of
// root's, Postfix, Knot DNS, PostgreSQL, and dkimpy to judge what is delivered. No clock is turned: what takes days is tested in
// internal/domains. The stories wait for DNS to be looked at twice, so they run side by side, each with a daemon, a zone and an
// address of Postfix of its own.
package life

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/nameserver"
	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/postgres"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
)

var (
	program  daemon.Program
	dns      *nameserver.Server
	nextHop  *sink.Sink
	mta      *postfix.Postfix
	database *postgres.Server
	taken    atomic.Int64 // places
)

const (
	places      = 30 // how many daemons there may be
	sinkAddress = "127.9.2.1"
)

// place is where a daemon lives: Postfix sends what comes in at mta through the milter.
type place struct{ zone, mta, milter, hook string }

func placeAt(n int64) place {
	return place{
		zone:   fmt.Sprintf("z%02d.test", n),
		mta:    fmt.Sprintf("127.9.0.%d", n),
		milter: fmt.Sprintf("127.9.1.%d:8891", n),
		hook:   fmt.Sprintf("127.9.3.%d:80", n),
	}
}

// newPlace is one that no other story has.
func newPlace(t *testing.T) place {
	t.Helper()
	n := taken.Add(1)
	if n > places {
		t.Fatalf("there are %d places only", places)
	}
	return placeAt(n)
}

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "24"); err != nil { // they wait, most of the time
		panic(err)
	}
	sandbox.MainWith(func() int {
		if err := build(sandbox.Dir()); err != nil {
			fmt.Fprintln(os.Stderr, "life:", err)
			return 1
		}
		return m.Run()
	})
}

func build(dir string) (err error) {
	if program, err = daemon.Install(dir); err != nil {
		return err
	}
	var zones []string
	var listeners []postfix.Listener
	for n := int64(1); n <= places; n++ {
		p := placeAt(n)
		zones = append(zones, p.zone)
		listeners = append(listeners, postfix.Listener{Address: p.mta, Milter: "inet:" + p.milter})
	}
	if dns, err = nameserver.Start(filepath.Join(dir, "dns"), sandbox.Resolver, sandbox.OuterIPv4, zones...); err != nil {
		return err
	}
	if nextHop, err = sink.Listen(sinkAddress + ":25"); err != nil {
		return err
	}
	if database, err = postgres.New(filepath.Join(dir, "postgres")); err != nil {
		return err
	}
	mta, err = postfix.Start(postfix.Config{
		Dir: filepath.Join(dir, "postfix"), ConfigDir: "/etc/postfix", Listeners: listeners, NextHop: sinkAddress,
	})
	return err
}
