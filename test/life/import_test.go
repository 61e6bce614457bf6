package life

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/postseal/postseal/test/internal/sandbox"
)

// A key that signed elsewhere moves in, before the daemon ever ran; domains that mail comes from and nobody has added are found.
func TestImportAndCandidates(t *testing.T) {
	t.Parallel()
	s := prepare(t, setup{})
	pem := s.Path("moving.pem") // root's, which the service user cannot read
	record, err := program.Keygen(s.zone, "moving", "rsa", pem)
	s.Must(err)
	s.Must(os.Chmod(pem, 0o600))
	s.Must(dns.SetFor(3600, s.record("moving", s.zone), "TXT", quoted(record)))

	s.ok("domain", "import", s.zone, "--selector", "moving", "--key", pem, "--adopt").says("made moving")
	s.start()
	key := s.zone + "/moving"
	s.within("from the first message on", func() { // if DNS confirms it: the daemon looks at once
		s.signedSoon(s.zone, key)
		s.isSigned(s.send("ada@"+s.zone), "managed-key", key)
		s.is(s.zone, "Connected")
	})
	s.within("OCR-5", func() { s.sealed() })
	s.within("whose files", func() { s.belongsToService("db", "identity") })
	s.within("OCR-11", func() { // within a minute
		unknown := "unknown." + s.zone
		s.isLeftAlone(s.send("ada@"+unknown), "no-key")
		s.tells("domain.unsigned-seen", unknown, 0)
		s.ok("domain", "list").says(s.zone, "Connected", unknown, "Not set up", "postseal domain add "+unknown)
		s.ok("domain", "candidates").says(unknown, "mail")
		s.add(unknown)
		if out := s.ok("domain", "candidates").Out; strings.Contains(out, unknown) {
			s.Errorf("still a candidate:\n%s", out)
		}
	})
}

// sealed wants no private key in any file of the store.
func (s *story) sealed() {
	s.Helper()
	seen := 0
	s.Must(filepath.WalkDir(s.Path("db"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, mark := range []string{"PRIVATE KEY", "MIIEp", "MIIEv"} { // armour; PKCS#1 and PKCS#8 of RSA in base64
			if strings.Contains(string(b), mark) {
				s.Errorf("%s has %q", path, mark)
			}
		}
		seen += len(b)
		return err
	}))
	if seen == 0 {
		s.Error("the store has no files")
	}
}

// belongsToService wants all files to be the service user's, and closed to others.
func (s *story) belongsToService(dirs ...string) {
	s.Helper()
	for _, dir := range dirs {
		s.Must(filepath.WalkDir(s.Path(dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err == nil && (info.Sys().(*syscall.Stat_t).Uid != sandbox.ServiceID || info.Mode().Perm()&0o077 != 0) {
				s.Errorf("%s: owner %d, mode %v", path, info.Sys().(*syscall.Stat_t).Uid, info.Mode())
			}
			return err
		}))
	}
}

// quoted writes a text of two strings as a zone file has it.
func quoted(text string) string { return `"` + text[:200] + `" "` + text[200:] + `"` }
