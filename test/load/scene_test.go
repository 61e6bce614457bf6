package load

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/postseal/postseal/dkim"
)

// scene is the configuration of one domain whose two keys, an RSA and an Ed25519
// one, are replaced again and again. Generation N has the selectors gN-rsa and
// gN-ed and key files of its own.
type scene struct {
	testing.TB
	dir    string
	daemon *daemon

	mu         sync.Mutex
	generation int
	records    map[string]string // by the name at which they are published
	signed     map[string]int    // messages, by the keys that signed
}

func newScene(t testing.TB) *scene {
	s := &scene{TB: t, dir: t.TempDir(), records: map[string]string{}, signed: map[string]int{}}
	s.next()
	return s
}

// next makes a generation of keys and puts it into the tables.
func (s *scene) next() (generation int) {
	s.mu.Lock()
	s.generation++
	generation = s.generation
	s.mu.Unlock()
	s.writeKey(fmt.Sprintf("g%d-rsa", generation), dkim.RSASHA256, dkim.MinBits) // small, to be cheap
	s.writeKey(fmt.Sprintf("g%d-ed", generation), dkim.Ed25519SHA256, 0)
	s.replace("keytable", keyTable(generation))
	s.replace("signingtable", signingTable(generation))
	return generation
}

func (s *scene) writeKey(selector string, algorithm dkim.Algorithm, bits int) {
	key, err := dkim.Generate(algorithm, bits)
	if err != nil {
		s.Error(err)
		return
	}
	text, err := key.PEM()
	if err != nil {
		s.Error(err)
		return
	}
	s.mu.Lock()
	s.records[selector+"._domainkey.example.com"] = key.PublicRecord()
	s.mu.Unlock()
	s.replace(selector+".pem", string(text))
}

// mend makes what may be broken whole again.
func (s *scene) mend() {
	s.replace("postseal.toml", configuration(s.dir, s.daemon.socket, ""))
	s.next()
}

// replace writes a file and renames it into its place.
func (s *scene) replace(name, text string) {
	path := s.path(name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		s.Error(err)
		return
	}
	if err := os.Rename(path+".new", path); err != nil {
		s.Error(err)
	}
}

func (s *scene) path(name string) string { return filepath.Join(s.dir, name) }

func keyTable(generation int) string {
	return strings.ReplaceAll("k example.com:gN-rsa:./gN-rsa.pem\nk example.com:gN-ed:./gN-ed.pem\n", "gN", fmt.Sprintf("g%d", generation))
}

// signingTable has a line more or less.
func signingTable(generation int) string {
	return strings.Repeat("*@other.example k\n", generation%3) + "*@example.com k\n"
}

// keysOf is what a generation signs with, as the log has it.
func keysOf(generation int) string {
	return fmt.Sprintf("example.com/g%d-rsa,example.com/g%d-ed", generation, generation)
}

// lookup is DNS.
func (s *scene) lookup(name string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	record, ok := s.records[name]
	if !ok {
		return nil, fmt.Errorf("no record %s", name)
	}
	return []string{record}, nil
}

// signedBy counts the messages that a generation signed.
func (s *scene) signedBy(generation int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signed[keysOf(generation)]
}
