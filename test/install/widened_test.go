package install

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/debian"
)

const panelTokens = "/etc/postseal/panel-tokens"

// The panel on a TCP port of the host, and on a unix socket that the web server's group may use.
func TestPanelInTheSandbox(t *testing.T) {
	alone(t)
	m := boot(t, bare.Path())
	dpkg(t, m, packages.deb)
	must(t, m, "sh", "-ec", `umask 027; echo "ada $(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')" >>`+panelTokens+"; chgrp postseal "+panelTokens)
	packaged := read(t, m, tomlFile)
	configure := func(lines string) {
		before, after, _ := strings.Cut(packaged, "[panel]\n")
		write(t, m, tomlFile, before+"[panel]\ntoken_file = \""+panelTokens+"\"\n"+lines+after)
	}

	t.Run("on a port", func(t *testing.T) {
		configure("listen = \"127.0.0.1:8090\"\n")
		must(t, m, "systemctl", "restart", "postseal")
		eventually(t, "the page to log in", func() bool {
			answer, err := http.Get("http://127.0.0.1:8090/")
			if err != nil {
				return false
			}
			defer answer.Body.Close()
			return answer.StatusCode == http.StatusOK
		})
	})
	t.Run("on a unix socket, for the web server", func(t *testing.T) {
		configure("listen = \"unix:/run/postseal/panel.sock\"\nsocket_group = \"www-data\"\npublic_url = \"https://mail.example.com/dkim\"\n")
		follow(t, m, page(t, "docs/panel.md", "the group of the web server")...)
		eventually(t, "the page to log in", func() bool {
			return strings.Contains(askPanel(t, m, "www-data").Stdout, "HTTP/1.1 200 ")
		})
		if answer := askPanel(t, m, "nobody"); answer.Code == 0 {
			t.Errorf("anybody gets through:\n%s", answer.Text())
		}
		is(t, "mail is served", value(t, m, unit, "ActiveState"), "active")
	})
}

// askPanel asks for the first page by the unix socket, as a user of the machine.
func askPanel(t *testing.T, m *debian.Machine, user string) debian.Output {
	t.Helper()
	return run(t, m, "setpriv", "--reuid="+user, "--regid="+user, "--clear-groups", "perl", "-MIO::Socket::UNIX", "-e",
		`my $s = IO::Socket::UNIX->new("/run/postseal/panel.sock") or die "$!\n";
print $s "GET /dkim/login HTTP/1.1\r\nHost: mail.example.com\r\nConnection: close\r\n\r\n"; print while <$s>`)
}

// Drivers write zone files and run programs inside the unit's walls, widened as the manual says.
func TestDriversInTheSandbox(t *testing.T) {
	alone(t)
	m := boot(t, bare.Path())
	dpkg(t, m, packages.deb)
	must(t, m, "groupadd", "--system", "knot")
	must(t, m, "install", "-d", "-m", "0750", "-g", "knot", "/srv/knot")
	write(t, m, "/usr/local/bin/reload-zone", "#!/bin/sh\nset -e\ntest -x /srv/knot\nexec logger -t reloaded \"$1\"\n")
	// A program with one file as its zone: it reads what is ordered and writes where the walls let it.
	write(t, m, "/usr/local/bin/dns-api", "#!/bin/sh\ncat >>/var/lib/postseal/ordered\ncase $POSTSEAL_ACTION in plan) echo '{\"records\": []}' ;; esac\n")
	must(t, m, "chmod", "0755", "/usr/local/bin/reload-zone", "/usr/local/bin/dns-api")
	appendTo(t, m, tomlFile, `
[[driver]]
name = "files"
type = "zonefile"
zones = ["files.example"]
path = "/var/lib/postseal-zones/%.zone"
reload = ["/usr/local/bin/reload-zone", "%"]

[[driver]]
name = "api"
type = "exec"
zones = ["api.example"]
command = ["/usr/local/bin/dns-api"]
`)
	zone := "/var/lib/postseal-zones/files.example.zone"
	soa := "$ORIGIN files.example.\n$TTL 3600\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.53\n"

	t.Run("exec", func(t *testing.T) {
		must(t, m, "systemctl", "restart", "postseal")
		must(t, m, "postseal", "domain", "add", "api.example", "--selector", "s1", "--driver", "api")
		eventually(t, "the order", func() bool {
			return contains(run(t, m, "cat", "/var/lib/postseal/ordered").Stdout, `"apply"`, "s1._domainkey.api.example", "v=DKIM1")
		})
	})
	t.Run("zone file", func(t *testing.T) {
		must(t, m, "install", "-d", "-o", "postseal", "/var/lib/postseal-zones")
		write(t, m, zone, soa)
		must(t, m, "postseal", "domain", "add", "files.example", "--selector", "s1", "--driver", "files")
		eventually(t, "a reason why the walls do not let it", func() bool {
			return strings.Contains(run(t, m, "postseal", "domain", "show", "files.example").Stdout, "read-only file system")
		})
		follow(t, m, page(t, "docs/drivers.md", "a directory for zone files")...)
		must(t, m, "postseal", "domain", "add", "two.files.example", "--selector", "s1", "--driver", "files")
		eventually(t, "the record in the zone file", func() bool {
			return strings.Contains(read(t, m, zone), "s1._domainkey.two.files.example. 3600 IN TXT")
		})
	})
	t.Run("reload command", func(t *testing.T) {
		if journal(t, m, "reloaded") != "" {
			t.Error("it was let in without its group, so nothing is shown")
		}
		follow(t, m, page(t, "docs/drivers.md", "a group for the reload command")...)
		must(t, m, "postseal", "domain", "add", "three.files.example", "--selector", "s1", "--driver", "files")
		eventually(t, "the zone is loaded", func() bool { return strings.HasPrefix(journal(t, m, "reloaded"), "files.example\n") })
	})
}
