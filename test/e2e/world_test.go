package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/nameserver"
	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
)

// The parts that all stories share: a name server, the place where mail arrives, three Postfix instances and some keys.
// Each story runs a daemon of its own, behind the milter addresses that the Postfix instances know.
var (
	postseal daemon.Program
	nextHop  *sink.Sink
	direct   *postfix.Postfix // no chroot; milter over TCP, but over a unix socket for what comes in at unixAddress
	jailed   *postfix.Postfix // chrooted, as Debian ships Postfix; milter over a unix socket in the queue directory
	lenient  *postfix.Postfix // milter_default_action = accept; milter over TCP, but not for bounces
)

const (
	directAddress  = "127.7.0.1"
	unixAddress    = "127.7.0.3"
	jailedAddress  = "127.7.0.2"
	lenientAddress = "127.7.0.4"
	sinkAddress    = "127.7.0.9"
	oldAddress     = "127.7.0.10" // of a next hop without 8BITMIME

	inetMilter = "127.7.0.1:8891"
	jailMilter = "postseal/milter.sock" // in the queue directory of jailed
)

func unixMilter() string { return filepath.Join(sandbox.Dir(), "run/milter.sock") }

func TestMain(m *testing.M) { sandbox.MainAfter(m, build) }

func build(dir string) (err error) {
	if postseal, err = daemon.Install(dir); err != nil {
		return err
	}
	dns, err := nameserver.Start(filepath.Join(dir, "dns"), sandbox.Resolver, sandbox.OuterIPv4)
	if err != nil {
		return err
	}
	if err := makeKeys(dns, keyDir()); err != nil {
		return err
	}
	if nextHop, err = sink.Listen(sinkAddress + ":25"); err != nil {
		return err
	}
	if err := nextHop.ListenSevenBit(oldAddress + ":25"); err != nil {
		return err
	}
	if direct, err = startDirect(dir); err != nil {
		return err
	}
	if lenient, err = startLenient(dir); err != nil {
		return err
	}
	if jailed, err = startJailed(dir); err != nil {
		return err
	}
	for _, socket := range []string{unixMilter(), jailed.InQueue(jailMilter)} {
		if err := socketDirectory(filepath.Dir(socket)); err != nil {
			return err
		}
	}
	return nil
}

func startDirect(dir string) (*postfix.Postfix, error) {
	return postfix.Start(postfix.Config{
		Dir:       filepath.Join(dir, "direct"),
		ConfigDir: "/etc/postfix",
		Listeners: []postfix.Listener{
			{Address: directAddress},
			{Address: unixAddress, Milter: "unix:" + unixMilter()},
			{Address: sandbox.OuterIPv4},
			{Address: sandbox.OuterIPv6},
		},
		NextHop: sinkAddress,
		Milter:  "inet:" + inetMilter,
		Extra: []string{
			"internal_mail_filter_classes = bounce",
			"transport_maps = inline:{ {old.in.test=smtp:[" + oldAddress + "]:25}, {cured.in.test=verbatim:[" + oldAddress + "]:25} }",
		},
		// Delivers what the milter saw: no conversion to seven bits, no broken lines.
		Services: []string{"verbatim unix - - n - - smtp -o disable_mime_output_conversion=yes -o smtp_line_length_limit=0"},
	})
}

func startLenient(dir string) (*postfix.Postfix, error) {
	config, err := copyOfConfiguration(filepath.Join(dir, "lenient/etc"))
	if err != nil {
		return nil, err
	}
	return postfix.Start(postfix.Config{
		Dir:           filepath.Join(dir, "lenient"),
		ConfigDir:     config,
		Listeners:     []postfix.Listener{{Address: lenientAddress}},
		NextHop:       sinkAddress,
		Milter:        "inet:" + inetMilter,
		DefaultAction: "accept",
	})
}

func startJailed(dir string) (*postfix.Postfix, error) {
	config, err := copyOfConfiguration(filepath.Join(dir, "jailed/etc"))
	if err != nil {
		return nil, err
	}
	return postfix.Start(postfix.Config{
		Dir:       filepath.Join(dir, "jailed"),
		ConfigDir: config,
		Listeners: []postfix.Listener{{Address: jailedAddress}},
		NextHop:   sinkAddress,
		Milter:    "unix:" + jailMilter,
		Chroot:    true,
	})
}

// copyOfConfiguration copies Debian's postfix-files and the like; main.cf and master.cf are written over.
func copyOfConfiguration(dir string) (string, error) {
	return dir, os.CopyFS(dir, os.DirFS("/etc/postfix"))
}

// socketDirectory makes the directory that the manual describes for a unix socket: postseal:postfix 2750, so that the
// socket belongs to the group postfix and nobody else reaches it.
func socketDirectory(dir string) error {
	group, err := postfix.GroupID()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.Chown(dir, sandbox.ServiceID, group); err != nil {
		return err
	}
	return os.Chmod(dir, os.ModeSetgid|0o750)
}

func keyDir() string { return filepath.Join(sandbox.Dir(), "keys") }

// makeKeys has postseal keygen make the keys of lab.test and publishes the records that it prints:
// r1 and r2 are RSA, e1 is Ed25519. other.test has the same ones.
func makeKeys(dns *nameserver.Server, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for selector, algorithm := range map[string]string{"r1": "rsa", "r2": "rsa", "e1": "ed25519"} {
		record, err := postseal.Keygen("lab.test", selector, algorithm, keyFile(selector))
		if err != nil {
			return err
		}
		for _, domain := range []string{"lab.test", "other.test"} {
			if err := dns.SetTXT(selector+"._domainkey."+domain, record); err != nil {
				return err
			}
		}
	}
	return nil
}

func keyFile(selector string) string { return filepath.Join(keyDir(), selector+".pem") }
