package opendkim

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
)

// install writes an installation into a directory of its own: opendkim.conf with conf, and files. "KEY" as the text of
// a file stands for a private key. "DIR" in a text is the directory.
func install(t *testing.T, conf string, files map[string]string) (path string) {
	t.Helper()
	dir := t.TempDir()
	key, err := dkim.Generate(dkim.Ed25519SHA256, 0)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := key.PEM()
	if err != nil {
		t.Fatal(err)
	}
	files["opendkim.conf"] = conf
	for name, text := range files {
		text = strings.ReplaceAll(text, "DIR", dir)
		if text == "KEY" {
			text = string(pem) // which may have "DIR" in it
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	delete(files, "opendkim.conf")
	return filepath.Join(dir, "opendkim.conf")
}

var testOptions = Options{
	Hostname: "host.example",
	DumpDB:   func(string) ([]byte, error) { return nil, errors.New("db_dump is not installed") },
}

// imported is the result for an installation that has no problems. With each "DIR" as in install.
func imported(t *testing.T, conf string, files map[string]string) (*Result, string) {
	t.Helper()
	path := install(t, conf, files)
	r, err := Import(path, testOptions)
	if err != nil {
		t.Fatal(err)
	}
	return r, filepath.Dir(path)
}

// single is what signs without tables.
const single = "Domain example.com\nSelector s\nKeyFile DIR/key\nSocket inet:8891@localhost\n"

// key are the files of single.
func key() map[string]string { return map[string]string{"key": "KEY"} }
