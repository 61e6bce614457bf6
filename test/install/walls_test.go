package install

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/debian"
	"github.com/postseal/postseal/test/internal/sink"
)

// What docs/operating.md says of the things that run inside the walls of the unit, or reach through them.

// manage adds a managed domain that signs at once, and publishes its record. It returns the selector.
func manage(t *testing.T, m *debian.Machine, domain string) (selector string) {
	t.Helper()
	return publishManaged(t, must(t, m, "postseal", "domain", "add", domain, "--activation", "immediate", "--yes", "--json").Stdout)
}

// publishManaged publishes the one record of a managed domain, given as JSON.
func publishManaged(t *testing.T, shown string) (selector string) {
	t.Helper()
	var domain struct {
		Records []struct {
			Host     struct{ Absolute string }
			Value    string
			Selector string
		}
	}
	if err := json.Unmarshal([]byte(shown), &domain); err != nil || len(domain.Records) != 1 {
		t.Fatalf("the records as JSON: %v\n%s", err, shown)
	}
	r := domain.Records[0]
	publish(t, r.Host.Absolute, r.Value)
	return r.Selector
}

// managedSigns sends messages of a managed domain through the machine until one is signed, which is soon: the service hears of
// changes within a second, and has opened the private key in the store.
func managedSigns(t *testing.T, m *debian.Machine, domain, selector string) {
	t.Helper()
	tries := 0
	var msg []byte
	eventually(t, "the service signs for "+domain, func() bool {
		tries++
		subject := fmt.Sprintf("%s, try %d", domain, tries)
		sendFrom(t, domain, subject)
		msg = delivered(t, subject)
		return strings.Contains(string(msg), "DKIM-Signature:")
	})
	signedWith(t, msg, domain, selector)
	says(t, "explain", run(t, m, "postseal", "explain", "--from", "ada@"+domain).Stdout, selector)
}

func set(t *testing.T, m *debian.Machine, key, value string) {
	t.Helper()
	must(t, m, "sed", "-i", "s|^#"+key+" = .*|"+key+" = "+value+"|", tomlFile)
}

// journal is what a program of the machine has logged.
func journal(t *testing.T, m *debian.Machine, identifier string) string {
	t.Helper()
	return run(t, m, "journalctl", "--no-pager", "-o", "cat", "-t", identifier).Stdout
}

func TestNotifications(t *testing.T) {
	alone(t)
	m := signer(t)
	posted := make(chan string, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		posted <- string(body)
	}))
	t.Cleanup(hook.Close)

	set(t, m, "mail_to", `["postmaster@example.net"]`)
	set(t, m, "webhook", strconv.Quote(hook.URL))
	follow(t, m, page(t, "docs/operating.md", "a hook")...)
	must(t, m, "postseal", "domain", "add", "one.example")

	t.Run("mail", func(t *testing.T) {
		subject := func(m *sink.Message) bool {
			return strings.Contains(string(m.Header()), "Subject: [postseal] key.records one.example\r\n")
		}
		if _, err := nextHop.Wait("the notification", subject); err != nil {
			t.Error(err)
		}
	})
	t.Run("web hook", func(t *testing.T) {
		says(t, "what was posted", <-posted, `"key.records"`, `"one.example"`)
	})
	t.Run("program", func(t *testing.T) {
		eventually(t, "the hook's line in the journal", func() bool {
			return strings.Contains(journal(t, m, "postseal-hook"), "key.records one.example\n")
		})
	})

	// A hook that does what the walls forbid fails with a line in the log; with the drop-in of the manual it works.
	for i, c := range []struct{ name, script, cannot, dropIn string }{
		{"program that writes", "echo $POSTSEAL_DOMAIN >>/srv/postseal-hook/seen", "/srv/postseal-hook/seen", "a directory for a hook"},
		{"program that makes code", makesCode + " && logger -t made-code $POSTSEAL_DOMAIN", "cannot make code", "a hook that makes code"},
	} {
		t.Run(c.name, func(t *testing.T) {
			write(t, m, "/usr/local/bin/postseal-hook", "#!/bin/sh\nset -e\n"+c.script+"\n")
			before, after := fmt.Sprintf("before%d.example", i), fmt.Sprintf("after%d.example", i)
			must(t, m, "postseal", "domain", "add", before)
			eventually(t, "a line in the log that says what the hook could not do", func() bool {
				for line := range strings.Lines(journal(t, m, "postseal")) {
					if contains(line, "level=WARN", "a notification could not be delivered", "channel=command", before, c.cannot) {
						return true
					}
				}
				return false
			})
			follow(t, m, page(t, "docs/operating.md", c.dropIn)...)
			must(t, m, "postseal", "domain", "add", after)
			eventually(t, "what the hook does", func() bool {
				return strings.Contains(run(t, m, "sh", "-c", "cat /srv/postseal-hook/seen; journalctl -o cat -t made-code").Stdout, after)
			})
		})
	}
}

// makesCode asks for memory that can be written and executed, as compilers do that work while a program runs; with Perl, since
// a small system has it. The numbers are those of mmap(2).
var makesCode = fmt.Sprintf(`perl -e 'syscall(%d, 0, 4096, 7, 0x22, -1, 0) == -1 and die "cannot make code: $!"'`,
	map[string]int{"amd64": 9, "arm64": 222}[runtime.GOARCH])

func TestIdentity(t *testing.T) {
	alone(t)
	m := signer(t)
	identity := "/var/lib/postseal-identity/identity"
	managedSigns(t, m, "file.example", manage(t, m, "file.example"))

	t.Run("from a credential", func(t *testing.T) {
		follow(t, m, page(t, "docs/operating.md", "identity as a credential")...)
		if there(m, identity) {
			t.Error("the file is still there, so nothing is shown")
		}
		managedSigns(t, m, "credential.example", manage(t, m, "credential.example"))
		says(t, "keys seal", must(t, m, "postseal", "keys", "seal").Stdout, "2 private keys", "; 0 of them cannot be opened here")
	})
	t.Run("from a program, over the network", func(t *testing.T) {
		secret := read(t, m, "/root/postseal-identity")
		vault := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, secret) })}
		l, err := net.Listen("tcp", "127.0.0.1:8200")
		if err != nil {
			t.Fatal(err)
		}
		go vault.Serve(l)
		t.Cleanup(func() { vault.Close() })
		must(t, m, "rm", "/etc/systemd/system/postseal.service.d/identity.conf", "/root/postseal-identity")
		must(t, m, "systemctl", "daemon-reload")
		must(t, m, "sed", "-i", `s|^credential = .*|#credential = ""|`, tomlFile)
		write(t, m, "/usr/local/bin/fetch-identity", "#!/bin/bash\nexec 3<>/dev/tcp/127.0.0.1/8200\nprintf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3\nsed '1,/^\\r$/d' <&3\n")
		must(t, m, "chmod", "0755", "/usr/local/bin/fetch-identity")

		follow(t, m, page(t, "docs/operating.md", "identity from a program")...)
		managedSigns(t, m, "program.example", manage(t, m, "program.example"))
	})
}

func TestPostgreSQL(t *testing.T) {
	alone(t)
	m := boot(t, withPostgres.Path())
	dpkg(t, m, packages.deb)
	follow(t, m, readme(t, "Postfix")...)

	t.Run("by unix socket", func(t *testing.T) {
		follow(t, m, page(t, "docs/fleet.md", "PostgreSQL on this host")...)
		managedSigns(t, m, "socket.example", manage(t, m, "socket.example"))
	})
	t.Run("over TCP, with TLS and a password", func(t *testing.T) {
		must(t, m, "su", "postgres", "-c", `psql -c "ALTER USER postseal PASSWORD 'a secret/word'"`)
		must(t, m, "cp", "/etc/ssl/certs/ssl-cert-snakeoil.pem", "/etc/postseal/database.pem")
		must(t, m, "sed", "-i", `s|^url = .*|url = "postgres://postseal:a%20secret%2Fword@mail.example.com/postseal?sslmode=verify-full\&sslrootcert=/etc/postseal/database.pem"|`, tomlFile)
		must(t, m, "sh", "-c", "sed -i 's/127.0.1.1/127.0.0.1/' /etc/hosts")
		must(t, m, "systemctl", "restart", "postseal")
		managedSigns(t, m, "tcp.example", manage(t, m, "tcp.example"))
	})
	t.Run("started after it, at boot", func(t *testing.T) {
		says(t, "After", value(t, m, unit, "After"), "postgresql.service")
	})
	t.Run("without it", func(t *testing.T) {
		// Once read, the store may go away: mail is signed on.
		must(t, m, "systemctl", "stop", "postgresql@15-main")
		sendFrom(t, "tcp.example", "without the database")
		if got := delivered(t, "without the database"); !strings.Contains(string(got), "d=tcp.example") {
			t.Errorf("not signed:\n%s", got)
		}
		// A start waits for it.
		run(t, m, "systemctl", "restart", "postseal")
		eventually(t, "exit code 6", func() bool { return value(t, m, unit, "ExecMainStatus") == "6" }) // of one try or the next
		must(t, m, "systemctl", "start", "postgresql@15-main")
		eventually(t, "the service", func() bool { return value(t, m, unit, "ActiveState") == "active" })
	})
}

// Programs of `domain candidates` run as the user of the store, and not as root, who asks.
func TestCandidatesOfAProgram(t *testing.T) {
	alone(t)
	m := boot(t, bare.Path())
	dpkg(t, m, packages.deb)
	program := "/usr/local/bin/list-domains"
	write(t, m, program, "#!/bin/sh\necho candidate.example\nid -un >&2; id -un | sed 's/$/.example/'\n")
	must(t, m, "chmod", "0755", program)
	set(t, m, "candidates", `["exec:`+filepath.Clean(program)+`"]`)
	says(t, "domain candidates", must(t, m, "postseal", "domain", "candidates").Stdout, "candidate.example", "postseal.example")
}
