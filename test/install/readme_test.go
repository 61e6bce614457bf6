package install

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/debian"
)

// readme gives the indented blocks of one tested part of the README.
func readme(t *testing.T, part string) []string {
	t.Helper()
	return page(t, "README.md", part)
}

// page gives the indented blocks of one tested part of a page of the manual: shell scripts, mostly.
func page(t *testing.T, file, part string) []string {
	t.Helper()
	text, err := os.ReadFile("../../" + file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, started := strings.Cut(string(text), "<!-- tested: "+part+" -->\n")
	tested, _, ended := strings.Cut(rest, "<!-- end -->")
	blocks := indented(tested)
	if !started || !ended || len(blocks) == 0 {
		t.Fatalf("%s has no <!-- tested: %s --> with an indented block before an <!-- end -->", file, part)
	}
	return blocks
}

func indented(text string) (blocks []string) {
	inside := false
	for line := range strings.Lines(text) {
		command, is := strings.CutPrefix(line, "    ")
		if is && !inside {
			blocks = append(blocks, "")
		}
		if inside = is; inside {
			blocks[len(blocks)-1] += command
		}
	}
	return blocks
}

// follow does what a part of the README says, to the letter, and publishes the records that it prints.
func follow(t *testing.T, m *debian.Machine, blocks ...string) (said string) {
	t.Helper()
	for _, block := range blocks {
		do := func() {
			out := must(t, m, "sh", "-ec", block)
			publishPrinted(t, out.Stdout)
			said += out.Text()
		}
		if strings.Contains(block, "postfix reload") {
			reloading(t, m, do)
		} else {
			do()
		}
	}
	return said
}

// publishPrinted publishes the records that a command has printed.
func publishPrinted(t *testing.T, text string) {
	t.Helper()
	for _, r := range printedRecord.FindAllStringSubmatch(text, -1) {
		publish(t, r[1], r[2])
	}
}

// printedRecord is the last thing that keygen prints: the record as a provider's web form wants it.
var printedRecord = regexp.MustCompile(`(?m)^(\S+\._domainkey\.\S+)\n(v=DKIM1;.*)$`)

var publicKey = regexp.MustCompile(`p=[\w+/]{200}`) // the first forty are the same of all RSA keys

// fiveMinutes does all that the README says for one mail server, on a Debian that has it as it comes. It returns what the
// installation says.
func fiveMinutes(t *testing.T, m *debian.Machine, mailServer string) string {
	t.Helper()
	copyInto(t, m, packages.deb, "/root/")
	installed := follow(t, m, readme(t, "install")...)
	follow(t, m, readme(t, "a key")...)
	follow(t, m, readme(t, mailServer)...)
	taken(t)
	follow(t, m, readme(t, "a message")...)
	signed(t, delivered(t, "Signed?"))
	log := readme(t, "its line in the log")[0]
	line := "decision=signed reason=signing-table from=example.com"
	eventually(t, "the log line that the README promises", func() bool {
		return strings.Contains(run(t, m, "sh", "-ec", log).Stdout, line)
	})
	return installed
}

func TestReadmeSendmail(t *testing.T) {
	alone(t)
	fiveMinutes(t, boot(t, withSendmail.Path()), "Sendmail")
}

func TestReadmePostfix(t *testing.T) {
	alone(t)
	m := boot(t, withPostfix.Path())
	said := fiveMinutes(t, m, "Postfix")
	follow(t, m, readme(t, "a managed domain")...)
	selector := publishManaged(t, must(t, m, "postseal", "domain", "records", "example.org", "--format", "json").Stdout)

	t.Run("post-install text", func(t *testing.T) {
		for _, line := range []string{"smtpd_milters = inet:127.0.0.1:8891", "non_smtpd_milters = $smtpd_milters", "INPUT_MAIL_FILTER(`postseal', `S=inet:8891@127.0.0.1,"} {
			if !strings.Contains(said, line) {
				t.Errorf("no %q in what the installation says:\n%s", line, said)
			}
		}
	})
	t.Run("smtpd is chrooted", func(t *testing.T) {
		if out := must(t, m, "postconf", "-M", "smtp/inet"); strings.Fields(out.Stdout)[4] != "y" {
			t.Errorf("not Debian's default, so nothing is shown for it: %s", out.Stdout)
		}
	})
	t.Run("unix socket", func(t *testing.T) {
		follow(t, m, readme(t, "unix socket")...)
		send(t, "by unix socket")
		signed(t, delivered(t, "by unix socket"))
		socket := "/var/spool/postfix/postseal/milter.sock"
		if out := must(t, m, "stat", "-c", "%U %G %a", socket); out.Stdout != "postseal postfix 660\n" {
			t.Errorf("%s: %s", socket, out.Stdout)
		}
	})
	t.Run("backup and restore", func(t *testing.T) {
		managed := publicKey.FindString(must(t, m, "postseal", "domain", "add", "managed.example").Stdout)
		if managed == "" {
			t.Fatal("domain add prints no record")
		}
		follow(t, m, readme(t, "backup")...)
		if out := must(t, m, "find", ".", "-maxdepth", "1", "-name", "*.tar.gz", "-perm", "/077"); out.Stdout != "" {
			t.Errorf("private keys that everybody may read: %s", out.Stdout)
		}
		must(t, m, "sh", "-ec", "apt-get -y purge postseal; rm -r /etc/postseal /var/lib/postseal*; apt-get -y install ./postseal_*.deb")
		follow(t, m, readme(t, "restore")...)
		says(t, "domain records", must(t, m, "postseal", "domain", "records", "managed.example").Stdout, managed)
		send(t, "after the restore")
		signed(t, delivered(t, "after the restore"))
	})
	t.Run("managed domain", func(t *testing.T) {
		list := readme(t, "its status")[0]
		err := await.Patiently("Connected", func() bool {
			for line := range strings.Lines(run(t, m, "sh", "-ec", list).Stdout) {
				if contains(line, "example.org", "Connected") {
					return true
				}
			}
			return false
		})
		if err != nil {
			t.Fatal(err)
		}
		managedSigns(t, m, "example.org", selector)
	})
}

// dpkg installs a package file and returns what that said.
func dpkg(t *testing.T, p place, file string) string {
	t.Helper()
	out := tryDpkg(t, p, file)
	if out.Code != 0 {
		t.Fatalf("dpkg: exit code %d\n%s", out.Code, out.Text())
	}
	if state := must(t, p, "dpkg-query", "-W", "-f", "${Status}", "postseal").Stdout; state != "install ok installed" {
		t.Fatalf("the package is %q\n%s", state, out.Text())
	}
	return out.Text()
}

func tryDpkg(t *testing.T, p place, file string) debian.Output {
	t.Helper()
	return run(t, p, "dpkg", "--force-confold", "--install", inPlace(t, p, file))
}

// inPlace copies a package file to a place, and returns its name there.
func inPlace(t *testing.T, p place, file string) string {
	t.Helper()
	copyInto(t, p, file, "/root")
	return "/root/" + filepath.Base(file)
}

// value is a property of a unit of the machine.
func value(t *testing.T, m *debian.Machine, unit, property string) string {
	t.Helper()
	return strings.TrimSpace(must(t, m, "systemctl", "show", "--value", "-p", property, unit).Stdout)
}

func is(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func says(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not say %q:\n%s", what, w, text)
		}
	}
}
