// Package keytable reads the KeyTable and SigningTable files of OpenDKIM, with
// what postseal adds to them, and finds the keys that sign for a sender.
//
// A KeyTable names keys, one a line:
//
//	# NAME     DOMAIN:SELECTOR:KEY[:ALGORITHM]
//	mail       example.com:s2026:/etc/postseal/keys/example.com.pem
//	mail       example.com:e2026:./example.com.ed25519:ed25519-sha256
//	tenants    %:s1:/etc/postseal/keys/%/s1.pem
//
// DOMAIN "%" is the sender's domain. A KEY that begins with "/", "./" or "../" is
// a file, relative to the table, in which "%" is the signing domain; any other
// KEY is the key itself, in PEM or base64. A NAME may stand on two lines, an RSA
// and an Ed25519 one, and then signs with both.
//
// A SigningTable says which senders they sign for:
//
//	# PATTERN            NAME[,NAME...][:IDENTITY]   [user=LOGIN-PATTERN]
//	alice@example.com    mail:alice@example.com
//	*@example.com        mail                        user=example-*
//	*                    tenants
//
// It is looked up in one of OpenDKIM's two ways: "refile:PATH" tries the lines in
// order, with "*" for any text, and "file:PATH" or a bare PATH looks for the exact
// address, its domain, its parent domains and "*". See Tables.Find.
//
// A "#" begins a comment anywhere in a line. A file that cannot be parsed is an
// error of Load; a line that parses but cannot work is a Problem and alone out of
// service.
package keytable

import (
	"cmp"
	"slices"
)

// defaultKeysCached is how many parsed keys stay in memory: 4.5 KB each for RSA-2048.
const defaultKeysCached = 4096

// Options tell Load what to read.
type Options struct {
	// KeyTable and SigningTable are paths, with OpenDKIM's prefix "file:" or
	// "refile:" if wanted; for a KeyTable both mean the same. Empty: no table.
	KeyTable, SigningTable string
	// Prev are the tables in use until now, nil at start. Their parsed keys are
	// shared where key and file are unchanged, and kept where a key turned bad.
	Prev *Tables
	// KeysCached bounds the parsed keys in memory; 0 means 4096, or that of Prev.
	KeysCached int
	// Notice hears of what goes wrong after Load outside of Validate: a key file
	// that changed, a key that turned out to be bad. It may be called from
	// several goroutines. May be nil.
	Notice func(Problem)
}

// Tables are a KeyTable and a SigningTable as they were when Load read them. They
// do not change but for what is learned about their keys, and are safe for
// concurrent use.
type Tables struct {
	keys     keys
	signing  signing
	problems []Problem // of the SigningTable; those of keys are in keys.bad
}

// Load reads both tables and looks at, but does not read, the key files: that
// happens when a key is first used, or in Validate.
//
// The error is of type Problems: files that cannot be read or parsed. What is
// wrong with single lines is in Tables.Problems.
func Load(o Options) (*Tables, error) {
	var fatal Problems
	t := &Tables{}
	t.keys.load(o, &fatal)
	t.signing.load(o.SigningTable, &t.keys, &t.problems, &fatal)
	if len(fatal) > 0 {
		return nil, fatal
	}
	return t, nil
}

// KeyCount is the number of keys, those out of service included.
func (t *Tables) KeyCount() int {
	n := len(t.keys.rows)
	for i := range t.keys.rows {
		if t.keys.rows[i].source == fromScan {
			n--
		}
	}
	return n
}

// RowCount is the number of lines of the SigningTable that can match.
func (t *Tables) RowCount() int { return len(t.signing.rows) }

// Problems returns what is known to be wrong with lines and keys, in the order of
// the files. Keys that neither a message nor Validate has asked for yet have only
// been looked at from outside.
func (t *Tables) Problems() []Problem {
	all := slices.Clone(t.problems)
	for i := range t.keys.bad {
		if o := t.keys.bad[i].Load(); o != nil {
			all = append(all, o.problem)
		}
	}
	slices.SortStableFunc(all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	return all
}
