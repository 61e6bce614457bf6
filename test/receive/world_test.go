package receive

import (
	"path/filepath"
	"testing"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/faultydns"
	"github.com/postseal/postseal/test/internal/opendkim"
	"github.com/postseal/postseal/test/internal/opendmarc"
	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/resolver"
	"github.com/postseal/postseal/test/internal/rspamd"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
	"github.com/postseal/postseal/test/internal/zones"
)

// The parts that all stories share. Each story runs a postseal of its own, behind the milter addresses that Postfix knows.
var (
	postseal daemon.Program
	nextHop  *sink.Sink
	mta      *postfix.Postfix
	unbound  *resolver.Resolver
	faults   *faultydns.Server
)

// Where Postfix listens, and which milters it asks about what comes in there.
const (
	mxAddress        = sandbox.OuterIPv4 // postseal
	dmarcAddress     = "127.7.0.2"       // postseal, then OpenDMARC
	signingAddress   = "127.7.0.3"       // postseal's second listener
	openDKIMAddress  = "127.7.0.4"       // OpenDKIM
	rspamdAddress    = "127.7.0.5"       // Rspamd
	sinkAddress      = "127.7.0.9"
	authorityAddress = "127.7.0.54" // Knot
	faultyAddress    = "127.7.0.55"

	milter        = "127.7.0.1:8891"
	secondMilter  = "127.7.0.1:8892"
	dmarcMilter   = "127.7.0.1:8893"
	openDKIMilter = "127.7.0.1:8894"
	rspamdMilter  = "127.7.0.1:8895"
)

// authservID is {j} of Postfix: no story configures another one.
const authservID = sandbox.Hostname

func TestMain(m *testing.M) { sandbox.MainAfter(m, build) }

func build(dir string) (err error) {
	if postseal, err = daemon.Install(dir); err != nil {
		return err
	}
	if err := makeKeys(); err != nil {
		return err
	}
	if err := startDNS(dir); err != nil {
		return err
	}
	if err := startMilters(dir); err != nil {
		return err
	}
	if nextHop, err = sink.Listen(sinkAddress + ":25"); err != nil {
		return err
	}
	mta, err = postfix.Start(postfix.Config{
		Dir:       filepath.Join(dir, "postfix"),
		ConfigDir: "/etc/postfix",
		NextHop:   sinkAddress,
		Milter:    "inet:" + milter,
		Listeners: []postfix.Listener{
			{Address: mxAddress},
			{Address: dmarcAddress, Milter: "inet:" + milter + ",inet:" + dmarcMilter},
			{Address: signingAddress, Milter: "inet:" + secondMilter},
			{Address: openDKIMAddress, Milter: "inet:" + openDKIMilter},
			{Address: rspamdAddress, Milter: "inet:" + rspamdMilter},
		},
	})
	return err
}

func startDNS(dir string) error {
	knot, err := zones.Start(filepath.Join(dir, "zones"), authorityAddress, allZones())
	if err != nil {
		return err
	}
	if faults, err = faultydns.Start(faultyAddress, "fault.test", strangersKey.record()); err != nil {
		return err
	}
	unbound, err = resolver.Start(resolver.Config{
		Dir: filepath.Join(dir, "resolver"), Address: sandbox.Resolver, Root: authorityAddress, Anchor: knot.Anchor,
		Others: map[string]string{"fault.test": faultyAddress},
	})
	return err
}

// startMilters starts other people's milters.
func startMilters(dir string) error {
	if _, err := opendkim.Start(opendkim.Config{
		Dir: filepath.Join(dir, "opendkim"), Address: openDKIMilter, Domain: "lab.test", Selector: "opendkim", KeyFile: labKeyFile(),
	}); err != nil {
		return err
	}
	if _, err := rspamd.Start(rspamd.Config{
		Dir: filepath.Join(dir, "rspamd"), Address: rspamdMilter, Resolver: sandbox.Resolver,
		Domain: "lab.test", Selector: "rspamd", KeyFile: labKeyFile(),
	}); err != nil {
		return err
	}
	_, err := opendmarc.Start(opendmarc.Config{Dir: filepath.Join(dir, "opendmarc"), Address: dmarcMilter, AuthservID: authservID})
	return err
}
