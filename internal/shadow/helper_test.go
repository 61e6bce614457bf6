package shadow

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/daemon"
	"github.com/postseal/postseal/internal/filter"
	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/verifier"
)

// epoch is when messages are signed.
var epoch = time.Unix(1795317600, 0)

const text = "From: ada@example.com\r\nTo: bob@example.net\r\nSubject: hello\r\nDate: Sun, 22 Nov 2026 03:00:00 +0000\r\n\r\nthe  text \r\n"

// installation is a directory with a configuration.
type installation struct {
	testing.TB
	dir string
}

// install makes Ed25519 keys ed and other, and an RSA key rsa. tables are the lines of key table and signing table.
func install(t testing.TB, keytable, signingtable string) *installation {
	t.Helper()
	i := &installation{t, t.TempDir()}
	for name, algorithm := range map[string]dkim.Algorithm{"ed": dkim.Ed25519SHA256, "other": dkim.Ed25519SHA256, "rsa": dkim.RSASHA256} {
		pem, err := generate(t, algorithm).PEM()
		if err != nil {
			t.Fatal(err)
		}
		i.write(name+".pem", string(pem))
	}
	i.write("keytable", keytable)
	i.write("signingtable", signingtable)
	return i
}

func generate(t testing.TB, a dkim.Algorithm) *dkim.PrivateKey {
	t.Helper()
	bits := 0
	if a == dkim.RSASHA256 {
		bits = dkim.MinBits
	}
	key, err := dkim.Generate(a, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (i *installation) write(name, text string) {
	i.Helper()
	if err := os.WriteFile(filepath.Join(i.dir, name), []byte(text), 0o600); err != nil {
		i.Fatal(err)
	}
}

// judge reads the configuration with more lines of [sign].
func (i *installation) judge(sign string) *Judge {
	i.Helper()
	i.write("postseal.toml", fmt.Sprintf("[sign]\nkeytable = %q\nsigningtable = \"refile:%s\"\n%s\n", i.dir+"/keytable", i.dir+"/signingtable", sign))
	cfg, err := config.Load(filepath.Join(i.dir, "postseal.toml"))
	if err != nil {
		i.Fatal(err)
	}
	snapshot, err := daemon.BuildOnce(cfg)
	if err != nil {
		i.Fatal(err)
	}
	facts := policy.Facts{Mode: policy.SignOnly, Client: policy.Client{Host: "localhost", Addr: netip.MustParseAddr("127.0.0.1")}}
	return &Judge{Snapshot: snapshot, Facts: facts, Now: func() time.Time { return epoch }}
}

// record is the public half of one of the keys.
func (i *installation) record(name string) string {
	i.Helper()
	key, err := dkim.LoadPrivateKey(filepath.Join(i.dir, name+".pem"))
	if err != nil {
		i.Fatal(err)
	}
	return key.PublicRecord()
}

// sign signs a message as postseal would.
func (j *Judge) sign(t testing.TB, message string) string {
	t.Helper()
	fields, body, err := dkim.ParseFields([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	facts := j.Facts
	facts.Fields = fields
	e, values := filter.Explain(t.Context(), j.Snapshot, facts, []byte(message[body:]), epoch)
	if len(values) == 0 {
		t.Fatalf("not signed: %+v", e)
	}
	var signed strings.Builder
	for _, v := range values {
		fmt.Fprintf(&signed, "DKIM-Signature: %s\r\n", v)
	}
	return signed.String() + message
}

// read judges a message.
func (j *Judge) read(t testing.TB, message string) (*Report, error) {
	t.Helper()
	file, err := Spool(strings.NewReader(message), false)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return j.Message(t.Context(), file)
}

func (j *Judge) report(t testing.TB, message string) *Report {
	t.Helper()
	r, err := j.read(t, message)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// words are the findings of a report: level and what.
func words(r *Report) string {
	var all []string
	for _, d := range r.All() {
		all = append(all, fmt.Sprintf("%s %s", d.Level, d.What))
	}
	return strings.Join(all, ", ")
}

// records answer look-ups; "fail" is a failure for now.
type records map[string]string

func (all records) LookupTXT(_ context.Context, name string) (verifier.Answer, error) {
	switch txt, ok := all[name]; {
	case !ok:
		return verifier.Answer{}, verifier.ErrNotFound
	case txt == "fail":
		return verifier.Answer{}, context.DeadlineExceeded
	default:
		return verifier.Answer{TXT: []string{txt}}, nil
	}
}
