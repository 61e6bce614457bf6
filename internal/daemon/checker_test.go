package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"testing"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/dns/dnstest"
	"github.com/postseal/postseal/internal/domains"
)

// A reload that names other servers is for the checks of keys too.
func TestChecksAskTheServersOfTheReload(t *testing.T) {
	o, _ := managedDaemon(t, nil)
	added := o.add(domains.AddRequest{Name: "alpha.example", Selector: "s1"})
	passes := func() bool {
		t.Helper()
		checked, err := o.daemon.store.opened.Service.Verify(t.Context(), "test", "alpha.example")
		if err != nil {
			t.Fatal(err)
		}
		return checked[0].Result.Passed
	}
	if passes() {
		t.Fatal("the check passes though no record stands in the first zone")
	}

	zone, err := dnstest.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { zone.Close() })
	zone.SetTXT("alpha.example", "the domain exists")
	zone.SetTXT("s1._domainkey.alpha.example", added.Keys[0].Record)
	changed := *o.cfg
	changed.DNS.Nameservers = []string{zone.Addr}
	o.cfg = &changed
	if err := o.daemon.Reload(); err != nil {
		t.Fatal(err)
	}
	if !passes() {
		t.Error("the check does not pass though the record stands in the second zone")
	}
}

// Who asks for the first check may go away before it is known who can be asked; those who come later live with what was found.
func TestProbeOutlivesWhoeverAskedFirst(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 1)
	go func() {
		question := make([]byte, 4096)
		for {
			n, from, err := server.ReadFrom(question)
			if err != nil {
				close(asked)
				return
			}
			select {
			case asked <- struct{}{}:
			default:
			}
			question[2], question[3] = question[2]|0x80, 5 // REFUSED (RFC 1035 4.1.1)
			server.WriteTo(question[:n], from)
		}
	}()
	cfg, err := config.Parse("x.toml", fmt.Sprintf("[dns]\nnameservers = [%q]\n", server.LocalAddr()))
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	c := &lateChecker{cfg: cfg, log: slog.New(slog.DiscardHandler)}
	if _, err := c.made(gone); err != nil {
		t.Fatal(err)
	}
	server.Close()
	if _, any := <-asked; !any {
		t.Error("no server was asked: the probe ended with the request")
	}
}
