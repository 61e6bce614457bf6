package panel

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Token is a line of a token file: who holds it.
type Token struct {
	Identity
	Digest [sha256.Size]byte // of the secret
}

// The bounds of a token file.
const (
	maxTokenFile = 1 << 20
	minToken     = 32 // characters: 160 bits of base32, 128 of hex
)

// ParseTokens reads lines "NAME SECRET [tenant=NAME]"; "#" begins a comment. Errors name
// the line and never the secret.
func ParseTokens(r io.Reader) ([]Token, error) {
	var tokens []Token
	seen := map[[sha256.Size]byte]bool{}
	lines := bufio.NewScanner(io.LimitReader(r, maxTokenFile))
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		token, err := parseToken(fields)
		if err == nil && seen[token.Digest] {
			err = errors.New("the token stands there twice")
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		seen[token.Digest] = true
		tokens = append(tokens, token)
	}
	return tokens, lines.Err()
}

func parseToken(fields []string) (Token, error) {
	var t Token
	switch {
	case len(fields) < 2 || len(fields) > 3:
		return t, errors.New("say NAME TOKEN, or NAME TOKEN tenant=NAME")
	case !isName(fields[0]):
		return t, errors.New("the name is too long or has characters that no name here has")
	case len(fields[1]) < minToken:
		return t, fmt.Errorf("the token has fewer than %d characters; `openssl rand -hex 32` makes one", minToken)
	}
	t.Name, t.Digest = fields[0], sha256.Sum256([]byte(fields[1]))
	if len(fields) == 2 {
		return t, nil
	}
	tenant, ok := strings.CutPrefix(fields[2], "tenant=")
	if !ok || !isName(tenant) {
		return t, errors.New("after the token only tenant=NAME may stand")
	}
	t.Tenant = tenant
	return t, nil
}

// tokenFile is read whenever somebody comes, so that a token that was taken out opens
// nothing any more.
type tokenFile struct{ path string }

func (f *tokenFile) read() ([]Token, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("token file: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("token file: %w", err)
	case info.Mode().Perm()&0o027 != 0:
		return nil, fmt.Errorf("token file %s: others may read or write it (mode %#o): say chmod 0640, or 0600", f.path, info.Mode().Perm())
	case info.Size() > maxTokenFile:
		return nil, fmt.Errorf("token file %s: larger than %d bytes", f.path, maxTokenFile)
	}
	tokens, err := ParseTokens(file)
	if err != nil {
		return nil, fmt.Errorf("token file %s: %w", f.path, err)
	}
	return tokens, nil
}

// who finds the holder of a secret; nil if there is none. It looks at every line, however
// early one fits.
func (f *tokenFile) who(secret string) (*Token, error) {
	tokens, err := f.read()
	if err != nil {
		return nil, err
	}
	return holder(tokens, sha256.Sum256([]byte(secret))), nil
}

func holder(tokens []Token, digest [sha256.Size]byte) *Token {
	var found *Token
	for i := range tokens {
		if subtle.ConstantTimeCompare(tokens[i].Digest[:], digest[:]) == 1 {
			found = &tokens[i]
		}
	}
	return found
}
