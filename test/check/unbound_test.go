package check

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/miekg/dns"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/child"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// unbound.conf: DIR, ADDRESS, ROOT. It is told that d605.test is signed with a key that nobody has.
const unboundConfiguration = `server:
    directory: "%[1]s"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    interface: %[2]s
    access-control: 127.0.0.0/8 allow_snoop
    do-not-query-localhost: no
    do-daemonize: no
    num-threads: 1
    module-config: "validator iterator"
    trust-anchor: "d605.test. DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000"
    local-zone: "test." nodefault
stub-zone:
    name: "."
    stub-addr: %[3]s
`

func startUnbound(dir string) error {
	p, err := runUnbound(dir, fmt.Sprintf(unboundConfiguration, dir, sandbox.Resolver, addresses["ns1"]))
	if err != nil {
		return err
	}
	return p.Ready(sandbox.Resolver + ":53")
}

func runUnbound(dir, configuration string) (*child.Process, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "unbound.conf")
	if err := os.WriteFile(file, []byte(configuration), 0o644); err != nil {
		return nil, err
	}
	return child.Start(exec.Command("unbound", "-d", "-p", "-c", file), filepath.Join(dir, "log"))
}

// unbound.conf: DIR, ADDRESS, ZONE; records follow.
const udpConfiguration = `server:
    directory: "%[1]s"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    interface: %[2]s
    access-control: 127.0.0.0/8 allow
    do-daemonize: no
    do-tcp: no
    num-threads: 1
    local-zone: "%[3]s" static
`

// startUDP serves the one case that has "servers: udp".
func startUDP(dir string, cases []testCase) error {
	for _, c := range cases {
		if c.servers[0] != "udp" {
			continue
		}
		conf := fmt.Sprintf(udpConfiguration, dir, addresses["udp"], c.zone)
		zone := dns.NewZoneParser(strings.NewReader(c.text), c.zone+".", "")
		for rr, ok := zone.Next(); ok; rr, ok = zone.Next() {
			conf += fmt.Sprintf("    local-data: '%s'\n", rr)
		}
		if err := zone.Err(); err != nil {
			return err
		}
		if _, err := runUnbound(dir, conf); err != nil {
			return err
		}
		return answersUDP(addresses["udp"], c.zone)
	}
	return errors.New("no case is served over UDP alone")
}

// answersUDP waits until a server without TCP answers about a zone.
func answersUDP(address, zone string) error {
	return await.That(address+" answers", func() bool {
		_, err := dns.Exchange(new(dns.Msg).SetQuestion(zone+".", dns.TypeSOA), address+":53")
		return err == nil
	})
}
