package install

import (
	"net"
	"testing"
)

// No mail server, so no group postfix either.
func TestNoMailServer(t *testing.T) {
	alone(t)
	m := boot(t, bare.Path())
	if out := run(t, m, "getent", "group", "postfix"); out.Code == 0 {
		t.Fatalf("there is one: %s", out.Stdout)
	}
	dpkg(t, m, packages.deb)
	is(t, "ActiveState", value(t, m, unit, "ActiveState"), "active")
	is(t, "owners", owners(t, m), packagedOwners)
	must(t, m, "dpkg", "--purge", "postseal")
}

// A root in which systemd does not run: an image that is being built, a container.
func TestNoServiceManager(t *testing.T) {
	t.Parallel()
	c := unbooted(t)
	dpkg(t, c, packages.deb)
	is(t, "owners", owners(t, c), packagedOwners)
	is(t, "enabled", must(t, c, "systemctl", "is-enabled", unit).Stdout, "enabled\n")
	must(t, c, "postseal", "check-config")
	says(t, "the manual", must(t, c, "sh", "-c", "zcat /usr/share/man/man8/postseal.8.gz").Stdout, "DKIM milter")
	dpkg(t, c, later(t))
	must(t, c, "dpkg", "--remove", "postseal")
	dpkg(t, c, packages.deb)
	must(t, c, "dpkg", "--purge", "postseal")
	if there(c, "/etc/postseal") {
		t.Error("/etc/postseal is left, though it has no keys")
	}
}

// OpenDKIM's how-tos name the same port. The installation ends well and says what is wrong; the service starts by itself as
// soon as it can.
func TestPortInUse(t *testing.T) {
	alone(t)
	l, err := net.Listen("tcp", "127.0.0.1:8891") // the machine shares this network
	if err != nil {
		t.Fatal(err)
	}
	m := boot(t, bare.Path())
	said := dpkg(t, m, packages.deb)
	says(t, "the installation", said, "WARNING: the service did not start", "inet:8891@127.0.0.1: another program listens there already", "systemctl restart postseal")
	l.Close()
	eventually(t, "the service", func() bool { return value(t, m, unit, "ActiveState") == "active" })
}

// The service may not read its configuration: it fails once, with a message that names the file, and is not restarted for ever.
func TestWrongOwner(t *testing.T) {
	alone(t)
	m := boot(t, bare.Path())
	dpkg(t, m, packages.deb)
	must(t, m, "chown", "root:root", "/etc/postseal/postseal.toml")
	if out := run(t, m, "systemctl", "restart", "postseal"); out.Code == 0 {
		t.Error("systemctl restart says that all is well")
	}
	is(t, "ActiveState", value(t, m, unit, "ActiveState"), "failed")
	is(t, "exit code", value(t, m, unit, "ExecMainStatus"), "78")
	eventually(t, "the reason in the journal", func() bool {
		return contains(run(t, m, "journalctl", "-u", "postseal", "-n", "20").Stdout, "/etc/postseal/postseal.toml", "permission denied")
	})

	// The next upgrade does not make it worse, and the package is whole.
	dpkg(t, m, later(t))
	must(t, m, "chgrp", "postseal", "/etc/postseal/postseal.toml")
	must(t, m, "systemctl", "restart", "postseal")
}

// An administrator who keeps the service down has his reasons.
func TestMaskedService(t *testing.T) {
	alone(t)
	m := boot(t, bare.Path())
	must(t, m, "systemctl", "mask", unit)
	said := dpkg(t, m, packages.deb)
	if contains(said, "did not start") {
		t.Errorf("a warning of what was wanted: %s", said)
	}
	is(t, "ActiveState", value(t, m, unit, "ActiveState"), "inactive")
	is(t, "UnitFileState", value(t, m, unit, "UnitFileState"), "masked")
}
