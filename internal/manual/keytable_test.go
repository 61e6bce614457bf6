package manual

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/mailaddr"
	"github.com/postseal/postseal/keytable"
)

// The examples of docs/keytable.md are tables that work, and say what the page
// says that they do.
func TestKeytableExamples(t *testing.T) {
	tables := exampleTables(t)
	if len(tables) != 3 {
		t.Fatalf("%d examples", len(tables))
	}
	tests := map[string]struct {
		example      int
		sender, user string
		want         string // selectors
	}{
		"two keys":           {0, "ada@example.com", "", "s2026 e2026"},
		"another domain":     {0, "ada@example.net", "", ""},
		"newsletter":         {1, "news@example.com", "shop-1", "news"},
		"shop":               {1, "ada@example.com", "shop-1", "shop"},
		"somebody else":      {1, "ada@example.com", "ada", "s2026"},
		"a domain with file": {2, "ada@example.com", "", "s1"},
		"one without":        {2, "ada@example.net", "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			sender, err := mailaddr.Parse(test.sender)
			if err != nil {
				t.Fatal(err)
			}
			var selectors []string
			for _, match := range tables[test.example].Find(keytable.Query{Sender: sender, User: test.user}) {
				for _, key := range match.Keys {
					selectors = append(selectors, key.Selector)
				}
			}
			if got := strings.Join(selectors, " "); got != test.want {
				t.Errorf("signed with %q, want %q", got, test.want)
			}
		})
	}
}

// exampleTables loads each pair of tables below "## Examples", with keys where
// they say.
func exampleTables(t *testing.T) (all []*keytable.Tables) {
	t.Helper()
	page, err := os.ReadFile("../../docs/keytable.md")
	if err != nil {
		t.Fatal(err)
	}
	_, examples, _ := strings.Cut(string(page), "\n## Examples\n")
	examples, _, _ = strings.Cut(examples, "\n## ")
	dir := t.TempDir()
	writeKeys(t, dir)
	var texts []string
	for _, b := range parse(examples) {
		if b.kind == code {
			texts = append(texts, strings.ReplaceAll(b.text, "/etc/postseal/keys", dir))
		}
	}
	for i := 0; i+1 < len(texts); i += 2 {
		keys, signing := filepath.Join(dir, "keytable"), filepath.Join(dir, "signingtable")
		writeFile(t, keys, texts[i]+"\n")
		writeFile(t, signing, texts[i+1]+"\n")
		tables, err := keytable.Load(keytable.Options{KeyTable: keys, SigningTable: "refile:" + signing})
		if err != nil {
			t.Fatal(err)
		}
		if err := tables.Validate(t.Context(), func(p keytable.Problem) { t.Error(p) }); err != nil {
			t.Fatal(err)
		}
		for _, p := range tables.Problems() {
			t.Error(p)
		}
		all = append(all, tables)
	}
	return all
}

func writeKeys(t *testing.T, dir string) {
	t.Helper()
	for name, algorithm := range map[string]dkim.Algorithm{
		"example.com.s2026.pem": dkim.RSASHA256, "example.com.e2026.pem": dkim.Ed25519SHA256,
		"news.pem": dkim.Ed25519SHA256, "shop.pem": dkim.Ed25519SHA256, "example.com/s1.pem": dkim.Ed25519SHA256,
	} {
		key, err := dkim.Generate(algorithm, 0)
		if err != nil {
			t.Fatal(err)
		}
		text, err := key.PEM()
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, name), string(text))
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
