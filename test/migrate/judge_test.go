package migrate

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/child"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// TestTheSameAsOpenDKIM sends all messages through opendkim and, with the import of its configuration, through
// postseal, for each of the pairwise configurations.
func TestTheSameAsOpenDKIM(t *testing.T) {
	all := configurations()
	if len(all) < 40 {
		t.Fatalf("%d configurations, want at least 40", len(all))
	}
	t.Run("configurations", func(t *testing.T) {
		for i, c := range all {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				c.judge(t, newDir(t))
			})
		}
	})
	for _, d := range onPurpose {
		if d.seen.Load() == 0 {
			t.Errorf("the difference %q was never seen: is it one still?", d.what)
		}
	}
}

// judge compares both programs on one installation in dir, which it makes.
func (c configuration) judge(t *testing.T, dir string) {
	if err := c.install(dir); err != nil {
		t.Fatal(err)
	}
	old, err := c.throughOpenDKIM(dir)
	if err != nil {
		t.Fatal(err)
	}
	report, err := importInto(dir)
	if err != nil {
		t.Fatal(err)
	}
	if code := report.code; code > 1 || strings.Contains(report.text, ": not carried: ") {
		t.Fatalf("the import ends with %d:\n%s\nof\n%s", code, report.text, c.text(dir))
	}
	fresh, delivered, err := c.throughPostseal(dir)
	if err != nil {
		t.Fatalf("%v\n%s", err, report.text)
	}
	s := scene{c, map[string]outcome{}}
	for i, m := range messages() {
		s.old[m.name] = old[i]
	}
	for i, m := range messages() {
		want := s.expected(m, old[i])
		if !slices.Equal(fresh[i], want) {
			t.Errorf("%s:\n OpenDKIM  %s\n postseal  %s\n wanted    %s", m.name, show(old[i]), show(fresh[i]), show(want))
		}
	}
	if err := verifies(delivered); err != nil {
		t.Error(err)
	}
	if t.Failed() {
		imported, _ := os.ReadFile(filepath.Join(dir, "imported/postseal.toml"))
		t.Logf("opendkim.conf:\n%s\npostseal.toml:\n%s", c.text(dir), imported)
	}
}

func show(o outcome) string { return strings.Join(o, "\n           ") }

// install writes an OpenDKIM installation.
func (c configuration) install(dir string) error {
	for _, d := range []string{dir, dir + "/keys", dir + "/domains.d/a.test", dir + "/domains.d/b.test", dir + "/domains.d/sub.a.test"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	written := map[string]string{
		"opendkim.conf": c.text(dir), "keys/a.pem": privatePEM("a"), "keys/b.pem": privatePEM("b"), "keys/ed25519.pem": privatePEM("ed25519"),
		"domains.d/a.test/k.pem": privatePEM("a"), "domains.d/b.test/k.pem": privatePEM("a"), "domains.d/sub.a.test/k.pem": privatePEM("a"),
	}
	for name, text := range files {
		written[name] = c.place(text, dir)
	}
	for name, record := range records() {
		written["records"] += name + " " + record + "\n"
	}
	for name, text := range written {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	// The service user makes its socket here. OpenDKIM runs as root.
	if err := os.Chown(dir, sandbox.ServiceID, sandbox.ServiceID); err != nil {
		return err
	}
	for name, table := range map[string]string{"kt.db": files["kt"], "st.db": "a.test ka\nb.test kb:@%\n.test ka\n"} {
		if err := load(filepath.Join(dir, name), c.place(table, dir)); err != nil {
			return err
		}
	}
	return nil
}

// load makes a Berkeley data base of a table.
func load(path, table string) error {
	var rows strings.Builder
	seen := map[string]bool{}
	for line := range strings.Lines(table) {
		line, _, _ = strings.Cut(line, "#")
		if f := strings.Fields(line); len(f) == 2 && !seen[f[0]] {
			seen[f[0]] = true
			rows.WriteString(f[0] + "\n" + f[1] + "\n")
		}
	}
	cmd := exec.Command("db_load", "-T", "-t", "hash", path)
	cmd.Stdin = strings.NewReader(rows.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("db_load: %w: %s", err, out)
	}
	return nil
}

// throughOpenDKIM gives what opendkim does with each message.
func (c configuration) throughOpenDKIM(dir string) ([]outcome, error) {
	cmd := exec.Command("opendkim", "-f", "-x", filepath.Join(dir, "opendkim.conf"))
	cmd.Dir = "/"
	if c["paths"] == "working directory" {
		cmd.Dir = dir
	}
	p, err := child.Start(cmd, filepath.Join(dir, "opendkim.log"))
	if err != nil {
		return nil, err
	}
	defer func() {
		p.Kill()                                     // it takes its time to end otherwise,
		os.Remove(filepath.Join(dir, "milter.sock")) // and would have done this
	}()
	if err := p.Ready(filepath.Join(dir, "milter.sock")); err != nil {
		return nil, fmt.Errorf("%w with\n%s", err, c.text(dir))
	}
	all, _, err := sendAll(dir)
	return all, err
}

// imported is what the import says.
type imported struct {
	code int
	text string
}

func importInto(dir string) (imported, error) {
	cmd := exec.Command(string(postseal), "import", "opendkim", "opendkim.conf", "--output", "imported")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		return imported{}, err
	}
	return imported{cmd.ProcessState.ExitCode(), string(out)}, nil
}

// throughPostseal gives what the service does with each message, and what is delivered of those that it signed.
func (c configuration) throughPostseal(dir string) ([]outcome, [][]byte, error) {
	d, err := postseal.Serve(filepath.Join(dir, "imported/postseal.toml"), filepath.Join(dir, "postseal.log"), sandbox.ServiceID, filepath.Join(dir, "milter.sock"))
	if err != nil {
		return nil, nil, err
	}
	defer d.Kill()
	all, delivered, err := sendAll(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("%w\n%s", err, d.Log())
	}
	return all, delivered, nil
}

func sendAll(dir string) (all []outcome, signed [][]byte, err error) {
	for _, m := range messages() {
		o, delivered, err := send(filepath.Join(dir, "milter.sock"), m)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", m.name, err)
		}
		all = append(all, o)
		if slices.ContainsFunc(o, isSignature) {
			signed = append(signed, delivered)
		}
	}
	return all, signed, nil
}

func isSignature(line string) bool { return strings.HasPrefix(line, "signature ") }

// verifier has dkimpy verify every signature of ours in a JSON list of messages, and prints those that fail.
const verifier = `
import base64, json, sys
import dkim
failed = []
for text in json.load(sys.stdin):
    message = base64.b64decode(text)
    headers, _ = dkim.rfc822_parse(message)
    signatures = [v for n, v in headers if n.lower() == b"dkim-signature"]
    for i in range(len(signatures)):
        try:
            ok = dkim.DKIM(message, minkey=1024, timeout=60).verify(idx=i)
        except dkim.DKIMException as e:
            ok = False
        if not ok:
            failed.append(signatures[i].decode())
json.dump(failed, sys.stdout)
`

// verifies sees that the signatures of messages pass: the comparison leaves b= out.
func verifies(messages [][]byte) error {
	var texts []string
	for _, m := range messages {
		texts = append(texts, base64.StdEncoding.EncodeToString(m))
	}
	input, err := json.Marshal(texts)
	if err != nil || len(texts) == 0 {
		return err
	}
	cmd := exec.Command("/usr/bin/python3", "-c", verifier)
	cmd.Stdin = strings.NewReader(string(input))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("dkimpy: %w\n%s", err, &stderr)
	}
	var failed []string
	if err := json.Unmarshal(out, &failed); err != nil || len(failed) > 0 {
		return fmt.Errorf("dkimpy does not verify %q, %v", failed, err)
	}
	return nil
}
