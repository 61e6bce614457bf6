// Package zones runs Knot DNS with a private DNSSEC-signed root and any zones below it, each with the chain of trust that a
// test wants. A resolver that trusts the root's key sees the whole of DNS here; every other name does not exist.
package zones

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/child"
)

// Zone is a zone below the root.
type Zone struct {
	Name    string // "signed.test"
	Trust   Trust
	Records string // zone-file lines; names are relative to the zone
}

// Trust is how the root vouches for a zone.
type Trust int

const (
	Insecure  Trust = iota // unsigned, without DS
	Secure                 // signed, with its DS
	Bogus                  // signed, with the DS of another key
	Delegated              // unsigned, served by somebody else
)

func (t Trust) signed() bool { return t == Secure || t == Bogus }

// Server is a running knotd.
type Server struct {
	*child.Process
	Anchor string // file with the root's DNSKEY
	dir    string
}

// Start serves the root and all zones on address, port 53. dir is made for its files.
func Start(dir, address string, zones []Zone) (*Server, error) {
	s := &Server{Anchor: filepath.Join(dir, "root.key"), dir: dir}
	if err := s.write(address, zones); err != nil {
		return nil, err
	}
	p, err := child.Start(exec.Command("knotd", "-c", s.path("knot.conf")), s.path("log"))
	if err != nil {
		return nil, err
	}
	s.Process = p
	for _, place := range []string{address + ":53", s.path("knot.sock")} {
		if err := p.Ready(place); err != nil {
			return nil, err
		}
	}
	if err := s.delegate(zones); err != nil {
		return nil, err
	}
	key, err := s.key(".", "dnskey")
	if err != nil {
		return nil, err
	}
	return s, os.WriteFile(s.Anchor, key, 0o644)
}

// delegate puts the DS records of the secure zones into the root.
func (s *Server) delegate(zones []Zone) error {
	if err := s.knotc("zone-begin", "."); err != nil {
		return err
	}
	for _, z := range zones {
		if z.Trust != Secure {
			continue
		}
		out, err := s.key(z.Name+".", "ds")
		if err != nil {
			return err
		}
		ds := strings.Fields(string(out))[2:6] // after NAME. DS: tag, algorithm, type, digest; the first of several types
		if err := s.knotc("zone-set", ".", z.Name+".", "60", "DS", strings.Join(ds, " ")); err != nil {
			return err
		}
	}
	return s.knotc("zone-commit", ".")
}

// key waits for Knot to have made the key of a zone, and returns it as a record of that kind.
func (s *Server) key(zone, kind string) (record []byte, err error) {
	var failure error
	err = await.That("key of "+zone, func() bool {
		record, failure = s.run("keymgr", "-c", s.path("knot.conf"), zone, kind)
		return failure == nil && len(strings.Fields(string(record))) >= 6
	})
	return record, errors.Join(err, failure)
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

func (s *Server) knotc(args ...string) error {
	_, err := s.run("knotc", append([]string{"--blocking", "--socket", s.path("knot.sock")}, args...)...)
	return err
}

func (s *Server) run(name string, args ...string) ([]byte, error) {
	out, err := exec.Command(name, args...).Output()
	if exit, ok := err.(*exec.ExitError); ok {
		err = fmt.Errorf("%w: %s%s", err, out, exit.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %v: %w", name, args, err)
	}
	return out, nil
}

// TXT writes a TXT record's data as zone-file strings of at most 255 bytes (RFC 1035, 3.3).
func TXT(text string) string {
	var parts []string
	for len(text) > 255 {
		parts, text = append(parts, text[:255]), text[255:]
	}
	return `TXT "` + strings.Join(append(parts, text), `" "`) + `"`
}
