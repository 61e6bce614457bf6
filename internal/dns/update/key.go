package update

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	wire "github.com/miekg/dns"
)

// Key is a secret that we share with a name server (RFC 8945).
type Key struct {
	Name      string // in lower case, without final dot
	Algorithm string // "hmac-sha256" …

	secret string // base64
}

// DefaultAlgorithm is what a secret without an algorithm is used with: every server
// has to have it (RFC 8945 section 6).
const DefaultAlgorithm = "hmac-sha256"

// Algorithms are those that may be configured. HMAC-MD5 must not be used (RFC 8945
// section 6).
var Algorithms = []string{"hmac-sha256", "hmac-sha512", "hmac-sha384", "hmac-sha224", "hmac-sha1"}

// UnsafeFileError says that every user of the host may read or change a key file.
type UnsafeFileError struct {
	Path string
	Mode fs.FileMode // permission bits
}

func (e *UnsafeFileError) Error() string {
	return fmt.Sprintf("%s has mode %04o: every user of this host can read or change the key; fix it with: chmod o-rwx %s", e.Path, e.Mode, e.Path)
}

// maxKeyFile is far above any file of keys.
const maxKeyFile = 64 << 10

// ReadKey reads a key from a file as ParseKey does. The file's owner and group may
// read it, others may not.
func ReadKey(path, name, algorithm string) (*Key, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO must not keep us waiting
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", path)
	case info.Mode().Perm()&0o006 != 0:
		return nil, &UnsafeFileError{path, info.Mode().Perm()}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, err
	}
	defer clear(text)
	key, err := ParseKey(text, name, algorithm)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// ParseKey reads a key statement of BIND, which tsig-keygen and ddns-confgen write,
//
//	key "postseal.example." { algorithm hmac-sha256; secret "…"; };
//
// or a secret in base64 that stands alone. Name chooses among several keys, and is
// needed for a secret alone; algorithm may be empty and must not contradict the
// file. No error quotes anything of the text.
func ParseKey(text []byte, name, algorithm string) (*Key, error) {
	if len(text) > maxKeyFile {
		return nil, errors.New("too long for a file of TSIG keys")
	}
	name, algorithm = plain(name), plain(algorithm)
	statement, err := tokens(string(text))
	if err != nil {
		return nil, err
	}
	if len(statement) == 1 {
		if name == "" {
			return nil, errors.New("the file has a secret alone: say the key's name")
		}
		if algorithm == "" {
			algorithm = DefaultAlgorithm
		}
		return newKey(name, algorithm, statement[0])
	}
	keys, err := statements(statement)
	if err != nil {
		return nil, err
	}
	key, err := choose(keys, name)
	if err != nil {
		return nil, err
	}
	if algorithm != "" && algorithm != key.Algorithm {
		return nil, fmt.Errorf("the key %s is for %s, and the configuration says %s", key.Name, key.Algorithm, algorithm)
	}
	return newKey(key.Name, key.Algorithm, key.secret)
}

func newKey(name, algorithm, secret string) (*Key, error) {
	if _, ok := wire.IsDomainName(name); !ok || name == "" || strings.ContainsAny(name, "\\\" \t") {
		return nil, errors.New("the name of the key is no domain name")
	}
	if !slices.Contains(Algorithms, algorithm) {
		return nil, fmt.Errorf("the key %s: its algorithm is none of %s", name, strings.Join(Algorithms, ", "))
	}
	octets, err := base64.StdEncoding.DecodeString(secret)
	if err != nil || len(octets) == 0 {
		return nil, fmt.Errorf("the key %s: its secret is not base64", name)
	}
	clear(octets)
	return &Key{Name: name, Algorithm: algorithm, secret: secret}, nil
}

func choose(keys []Key, name string) (Key, error) {
	var names []string
	for _, k := range keys {
		if k.Name == name || name == "" && len(keys) == 1 {
			return k, nil
		}
		names = append(names, k.Name)
	}
	if name == "" {
		return Key{}, fmt.Errorf("the file has %d keys: say which one is meant", len(keys))
	}
	return Key{}, fmt.Errorf("the file has no key %s, but %s", name, strings.Join(names, ", "))
}

// statements reads key NAME { algorithm WORD; secret WORD; }; any number of times.
func statements(words []string) ([]Key, error) {
	var keys []Key
	for len(words) > 0 {
		if len(words) < 4 || !strings.EqualFold(words[0], "key") || words[2] != "{" {
			return nil, errNoKey
		}
		k := Key{Name: plain(words[1])}
		for words = words[3:]; len(words) > 0 && words[0] != "}"; words = words[3:] {
			if len(words) < 3 || words[2] != ";" {
				return nil, errNoKey
			}
			switch strings.ToLower(words[0]) {
			case "algorithm":
				k.Algorithm = plain(words[1])
			case "secret":
				k.secret = words[1]
			default:
				return nil, errNoKey
			}
		}
		if len(words) < 2 || words[1] != ";" {
			return nil, errNoKey
		}
		words = words[2:]
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, errNoKey
	}
	return keys, nil
}

var errNoKey = errors.New(`this is no TSIG key: want the statement key "NAME" { algorithm hmac-sha256; secret "…"; }; as tsig-keygen prints it, or the secret in base64 alone`)

// tokens parts the text of a key file into words and the marks { } ;. Comments are
// those of BIND: #, // and /* */.
func tokens(text string) ([]string, error) {
	var out []string
	for text != "" {
		switch c := text[0]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			text = text[1:]
		case c == '#' || strings.HasPrefix(text, "//") && !isBase64(text, out):
			_, text, _ = strings.Cut(text, "\n")
		case strings.HasPrefix(text, "/*"):
			_, rest, closed := strings.Cut(text[2:], "*/")
			if !closed {
				return nil, errNoKey
			}
			text = rest
		case c == '{' || c == '}' || c == ';':
			out, text = append(out, text[:1]), text[1:]
		case c == '"':
			word, rest, closed := strings.Cut(text[1:], `"`)
			if !closed {
				return nil, errNoKey
			}
			out, text = append(out, word), rest
		default:
			end := strings.IndexAny(text, " \t\r\n{};\"")
			if end < 0 {
				end = len(text)
			}
			out, text = append(out, text[:end]), text[end:]
		}
		if len(out) > maxWords {
			return nil, errors.New("too many words for a file of TSIG keys")
		}
	}
	return out, nil
}

// maxWords is enough for a hundred keys.
const maxWords = 1000

// isBase64: a secret may begin with two slashes where nothing stands before it.
func isBase64(text string, before []string) bool {
	word, rest, _ := strings.Cut(text, "\n")
	_, err := base64.StdEncoding.DecodeString(strings.TrimSpace(word))
	return err == nil && len(before) == 0 && strings.TrimSpace(rest) == ""
}
