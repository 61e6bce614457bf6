// Package candidates lets `postseal domain candidates` read a real Postfix.
package candidates

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/sandbox"
)

func TestMain(m *testing.M) { sandbox.Main(m) }

// mainCF has each class of domains, and each kind of table that Debian's Postfix has
// by itself.
const mainCF = `compatibility_level = 3.6
myorigin = $mydomain
mydomain = origin.example
mydestination = $myhostname, localhost.$mydomain, localhost, own.example, [192.0.2.1]
virtual_alias_maps = hash:/etc/postfix/virtual
virtual_mailbox_domains = texthash:/etc/postfix/mailboxes btree:/etc/postfix/tree
    inline:{inline.example=1} proxy:hash:/etc/postfix/unbuilt regexp:/etc/postfix/patterns
relay_domains = /etc/postfix/relayed
`

// The domains of Postfix are candidates, read as the user of the store, until they
// are added.
func TestPostfix(t *testing.T) {
	program, err := daemon.Install(sandbox.Dir())
	must(t, err)
	db := filepath.Join(sandbox.Dir(), "db")
	must(t, os.Mkdir(db, 0o700))
	must(t, os.Chown(db, sandbox.ServiceID, sandbox.ServiceID))
	config := filepath.Join(sandbox.Dir(), "postseal.toml")
	must(t, os.WriteFile(config, []byte("[store]\nurl = \"sqlite:"+db+"/postseal.db\"\nidentity = \""+filepath.Join(sandbox.Dir(), "db-identity", "identity")+"\"\n"), 0o644))
	identity := filepath.Join(sandbox.Dir(), "db-identity")
	must(t, os.Mkdir(identity, 0o700))
	must(t, os.Chown(identity, sandbox.ServiceID, sandbox.ServiceID))

	run := func(code int, args ...string) daemon.Output {
		t.Helper()
		out, err := program.Do(append(args, "--config", config)...)
		must(t, err)
		if out.Code != code {
			t.Fatalf("%v: exit code %d, want %d\n%s%s", args, out.Code, code, out.Out, out.Err)
		}
		return out
	}

	must(t, os.RemoveAll("/etc/postfix/main.cf"))
	if out := run(0, "domain", "candidates", "--json"); strings.TrimSpace(out.Out) != "[]" {
		t.Errorf("a Postfix that is not configured has domains:\n%s", out.Out)
	}

	for name, text := range map[string]string{
		"main.cf":   mainCF,
		"virtual":   "alias.example anything\ninfo@not.example ada\npostmaster root\n",
		"tree":      "tree.example x\n",
		"mailboxes": "mailbox.example x\n",
		"unbuilt":   "# no index\nunbuilt.example x\n",
		"patterns":  "/not.example/ x\n",
		"relayed":   "relayed.example # a customer's\n!not.example\n",
	} {
		must(t, os.WriteFile(filepath.Join("/etc/postfix", name), []byte(text), 0o644))
	}
	for _, table := range []string{"hash:/etc/postfix/virtual", "btree:/etc/postfix/tree"} {
		out, err := exec.Command("postmap", table).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	all := []string{"alias.example", "inline.example", "mailbox.example", "origin.example", "own.example", "relayed.example", "tree.example", "unbuilt.example"}
	out := run(1, "domain", "candidates")
	if got := strings.Join(firstWords(out.Out), " "); got != strings.Join(all, " ") {
		t.Errorf("candidates %s, want %s\n%s", got, all, out.Err)
	}
	if !strings.Contains(out.Err, "regexp:/etc/postfix/patterns: such a table cannot be listed") || strings.Count(out.Err, "\n") != 1 {
		t.Errorf("told:\n%s", out.Err)
	}

	run(0, "domain", "add", "own.example", "--offline", "--algorithm", "ed25519")
	if out := run(0, "domain", "list"); !strings.Contains(out.Out, "tree.example") || strings.Count(out.Out, "own.example ") != 1 {
		t.Errorf("list:\n%s", out.Out)
	}
}

// firstWords of the lines below the head, but for this machine's own name.
func firstWords(table string) (all []string) {
	for i, line := range strings.Split(strings.TrimSpace(table), "\n") {
		if name := strings.Fields(line)[0]; i > 0 && name != sandbox.Hostname {
			all = append(all, name)
		}
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
