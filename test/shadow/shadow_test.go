package shadow

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/rspamd"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// report is what shadow --json says.
type report struct {
	Verdict     string
	Differences []difference
	Signatures  []struct {
		Control     string
		Differences []difference
	}
}

type difference struct{ What, Level, Text, Advice string }

func (r report) all() []difference {
	all := slices.Clone(r.Differences)
	for _, s := range r.Signatures {
		all = append(all, s.Differences...)
	}
	return all
}

// ask runs postseal shadow, and holds its exit code to its verdict.
func ask(t *testing.T, config, file string) (r report) {
	t.Helper()
	out, err := postseal.Do("shadow", "--config", config, "--dns=false", "--json", file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(out.Out), &r); err != nil {
		t.Fatalf("%v of %q, %s", err, out.Out, out.Err)
	}
	code, known := map[string]int{"equivalent": 0, "unsure": 1, "harmless": 1, "differs": 2}[r.Verdict]
	if !known || out.Code != code {
		t.Errorf("exit code %d with %s", out.Code, r.Verdict)
	}
	return r
}

// verified wants n old signatures that verify over the file.
func (r report) verified(t *testing.T, n int) {
	t.Helper()
	good := 0
	for _, s := range r.Signatures {
		if s.Control == "verifies" {
			good++
		}
	}
	if good != n {
		t.Errorf("%d old signatures verify, want %d: %+v", good, n, r)
	}
}

var installations = []struct {
	name, conf string
	files      map[string]string
	signatures int
}{
	{"as it is set up first", "Domain a.test\nSelector sa\nKeyFile DIR/a.pem\n", nil, 1},
	{
		"tables and options", "KeyTable DIR/kt\nSigningTable refile:DIR/st\nCanonicalization relaxed/simple\nOversignHeaders From,Reply-To\nSignatureTTL 3600\nSignHeaders From,To,Subject,X-Own\nSoftwareHeader yes\n",
		map[string]string{"kt": "ka a.test:sa:DIR/a.pem\n", "st": "*@a.test ka:@a.test\n"},
		1,
	},
	{
		"two signatures", "KeyTable DIR/kt\nSigningTable refile:DIR/st\nCanonicalization relaxed/relaxed\nMultipleSignatures yes\n",
		map[string]string{"kt": "ka a.test:sa:DIR/a.pem\nkb b.test:sb:DIR/b.pem\n", "st": "*@a.test ka\nada@* kb\n"},
		2,
	},
}

// TestOpenDKIM has the real OpenDKIM sign. With its own configuration imported postseal is equivalent; a changed message is told
// from another configuration; and what shadow advises leads from a bare configuration to an equivalent one.
func TestOpenDKIM(t *testing.T) {
	for _, in := range installations {
		t.Run(in.name, func(t *testing.T) {
			dir := place(t)
			for name, text := range in.files {
				write(t, dir, name, placed(dir, text))
			}
			conf := openDKIM(t, dir, in.conf)
			file := deliver(t, dir)
			imported := filepath.Join(dir, "imported")
			if out, err := postseal.Do("import", "opendkim", conf, "--output", imported); err != nil || out.Code > 1 {
				t.Fatalf("%v, %+v", err, out)
			}
			config := filepath.Join(imported, "postseal.toml")
			r := ask(t, config, file)
			if r.Verdict != "equivalent" {
				t.Errorf("%+v", r)
			}
			r.verified(t, in.signatures)

			changed := write(t, dir, "changed.eml", strings.Replace(read(t, file), "The same text", "Another text", 1))
			if r := ask(t, config, changed); r.Verdict != "unsure" || r.Signatures[0].Control != "body-changed" {
				t.Errorf("changed body: %+v", r)
			}
			changed = write(t, dir, "changed.eml", strings.Replace(read(t, file), "Subject: ", "Subject: [list] ", 1))
			if r := ask(t, config, changed); r.Verdict != "unsure" || r.Signatures[0].Control != "header-changed" {
				t.Errorf("changed header: %+v", r)
			}
			followAdvice(t, dir, file, in.signatures, "equivalent")
		})
	}
}

// TestOpenDKIMDiagnostics has tags that postseal never makes.
func TestOpenDKIMDiagnostics(t *testing.T) {
	dir := place(t)
	write(t, dir, "partial", "*\n")
	openDKIM(t, dir, "Domain a.test\nSelector sa\nKeyFile DIR/a.pem\nDiagnostics yes\nBodyLengthDB refile:DIR/partial\n")
	r := ask(t, bare(dir).write(t), deliver(t, dir))
	r.verified(t, 1)
	for what, level := range map[string]string{"z": "harmless", "l": "differs"} {
		if !slices.ContainsFunc(r.all(), func(d difference) bool { return d.What == what && d.Level == level }) {
			t.Errorf("no word of %s=: %+v", what, r)
		}
	}
}

// TestRspamd has another signer, with other fields and another oversigning.
func TestRspamd(t *testing.T) {
	dir := place(t)
	p, err := rspamd.Start(rspamd.Config{
		Dir: filepath.Join(dir, "rspamd"), Address: milter, Resolver: sandbox.Resolver, Domain: "a.test", Selector: "sa", KeyFile: filepath.Join(dir, "a.pem"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	followAdvice(t, dir, deliver(t, dir), 1, "equivalent")
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
