// Package panel lets people use the control panel: the daemon as it is installed, a real Chromium, a real DNS server that they publish
// in what they copied from the page, and a real Postfix whose next message is signed. Every page that anybody comes to is looked at for
// manners too: wide and narrow, light and dark, see inspect.
//
// The stories wait for DNS to be looked at twice, so they run side by side, each with a daemon, a zone and an address of Postfix of its
// own. Requirement numbers are the names of subtests.
package panel

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/postseal/postseal/test/internal/browser"
	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/nameserver"
	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/resolver"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
)

var (
	program  daemon.Program
	dns      *nameserver.Server
	nextHop  *sink.Sink
	mta      *postfix.Postfix
	chromium *browser.Browser
	taken    atomic.Int64 // places
)

const (
	places      = 16 // how many daemons there may be
	sinkAddress = "127.9.2.1"
	nameServer  = "127.7.2.53"
)

// place is where a daemon lives: Postfix sends what comes in at mta through the milter; people come to panel, or to front, where there
// is a proxy.
type place struct{ zone, keyZone, mta, milter, panel, front, foreign string }

func placeAt(n int64) place {
	return place{
		zone:    fmt.Sprintf("z%02d.test", n),
		keyZone: fmt.Sprintf("keys%02d.test", n),
		mta:     fmt.Sprintf("127.9.0.%d", n),
		milter:  fmt.Sprintf("127.9.1.%d:8891", n),
		panel:   fmt.Sprintf("127.9.3.%d:8892", n),
		front:   fmt.Sprintf("127.9.4.%d:8080", n),
		foreign: fmt.Sprintf("127.9.5.%d:8080", n),
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
	// They wait for much of the time. More of them at once would keep one Chromium so busy that it is late for its connections.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	sandbox.MainWith(func() int {
		if err := build(sandbox.Dir()); err != nil {
			fmt.Fprintln(os.Stderr, "panel:", err)
			return 1
		}
		code := m.Run()
		if err := chromium.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "panel: chromium's end:", err)
			return 1
		}
		return code
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
		zones = append(zones, p.zone, p.keyZone)
		listeners = append(listeners, postfix.Listener{Address: p.mta, Milter: "inet:" + p.milter})
	}
	if dns, err = nameserver.Start(filepath.Join(dir, "dns"), nameServer, sandbox.OuterIPv4, zones...); err != nil {
		return err
	}
	if _, err = resolver.Start(resolver.Config{Dir: filepath.Join(dir, "resolver"), Address: sandbox.Resolver, Root: nameServer}); err != nil {
		return err
	}
	if nextHop, err = sink.Listen(sinkAddress + ":25"); err != nil {
		return err
	}
	if chromium, err = browser.Start(filepath.Join(dir, "chromium")); err != nil {
		return err
	}
	mta, err = postfix.Start(postfix.Config{
		Dir: filepath.Join(dir, "postfix"), ConfigDir: "/etc/postfix", Listeners: listeners, NextHop: sinkAddress,
	})
	return err
}
