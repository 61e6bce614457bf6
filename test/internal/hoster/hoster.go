// Package hoster makes what a mail hoster has: a great many domains, each with
// an RSA-2048 key of its own, in a KeyTable and a SigningTable.
//
// 100,000 keys would take hours of a processor to find. Every pair out of a pool
// of primes is a key, so 450 primes will do: distinct keys, valid to the last
// bit, and worthless as secrets.
package hoster

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// Selector is that of all keys.
const Selector = "s2026"

// Site is a directory with the tables "keytable" and "signingtable" (for
// refile:) and a directory "keys".
type Site struct {
	Dir     string
	Domains int
}

// keysPerDirectory keeps the directories of key files at the size of a real one.
const keysPerDirectory = 1000

// Make fills dir with tables and key files for so many domains.
func Make(dir string, domains int) (*Site, error) {
	s := &Site{Dir: dir, Domains: domains}
	primes, err := pool(poolSize(domains), 1024)
	if err != nil {
		return nil, err
	}
	for i := 0; i < domains; i += keysPerDirectory {
		if err := os.MkdirAll(filepath.Dir(s.KeyFile(i)), 0o700); err != nil {
			return nil, err
		}
	}
	if err := eachIndex(domains, func(i int) error {
		a, b := pair(i)
		key, err := keyOf(primes[a], primes[b])
		if err != nil {
			return err
		}
		return os.WriteFile(s.KeyFile(i), key, 0o600)
	}); err != nil {
		return nil, err
	}
	return s, s.writeTables()
}

// pair numbers the pairs a > b >= 0: (1,0) (2,0) (2,1) (3,0) ...
func pair(i int) (a, b int) {
	for a = 1; i >= a; a++ {
		i -= a
	}
	return a, i
}

func (s *Site) writeTables() error {
	var keys, signing bytes.Buffer
	for i := range s.Domains {
		fmt.Fprintf(&keys, "%s %s:%s:%s\n", s.Domain(i), s.Domain(i), Selector, s.KeyFile(i))
		fmt.Fprintf(&signing, "*@%s %s\n", s.Domain(i), s.Domain(i))
	}
	for path, text := range map[string][]byte{s.KeyTable(): keys.Bytes(), s.SigningTable(): signing.Bytes()} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Domain is the name of domain i, which is also the NAME of its key.
func (s *Site) Domain(i int) string { return fmt.Sprintf("customer%d.example", i) }

// KeyFile is the path of the key of domain i. Line i+1 of both tables is its.
func (s *Site) KeyFile(i int) string {
	return filepath.Join(s.Dir, "keys", fmt.Sprint(i/keysPerDirectory), s.Domain(i)+".pem")
}

// KeyTable is the path of the table of keys.
func (s *Site) KeyTable() string { return filepath.Join(s.Dir, "keytable") }

// SigningTable is the path of the table of senders.
func (s *Site) SigningTable() string { return filepath.Join(s.Dir, "signingtable") }
