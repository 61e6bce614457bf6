package keytable

import (
	"path/filepath"
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/mailaddr"
)

// source is where the key of a row comes from.
type source uint8

const (
	fromLine source = iota // the key itself stands in the line
	fromFile               // a path
	fromScan               // a path with "%" for the sender's domain: stands for the rows that scan finds
)

// senderDomain as DOMAIN or NAME stands for the domain of the sender.
const senderDomain = "%"

// keyRow is one line of a KeyTable, or one key file that a line with "%" found.
type keyRow struct {
	name      string
	domain    string // lower-case A-labels, or senderDomain
	selector  string
	key       string // path as written, or the key itself
	pin       pin    // of the file when the table was loaded
	line      int32
	next      int32          // row of the same name, or none
	algorithm dkim.Algorithm // as the line has it; 0: as the key has it
	source    source
}

// none ends a chain of rows.
const none = -1

// parseKeyRow reads NAME DOMAIN:SELECTOR:KEY[:ALGORITHM]. The one error (syntax)
// is that there is no row, the other (fault) that the row cannot work. Neither
// quotes what might be a key.
func parseKeyRow(text string) (r keyRow, syntax, fault *keyFault) {
	const form = "want NAME DOMAIN:SELECTOR:KEY"
	name, value := cutField(text)
	domain, rest, _ := strings.Cut(value, ":")
	selector, key, complete := strings.Cut(rest, ":")
	r = keyRow{
		name:     name,
		domain:   strings.TrimSpace(domain),
		selector: strings.TrimSpace(selector),
		key:      strings.TrimSpace(key),
		next:     none,
	}
	switch {
	case value == "":
		return r, &keyFault{message: "only one word in the line", hint: form}, nil
	case !complete:
		return r, &keyFault{message: "no DOMAIN:SELECTOR:KEY behind the name", hint: form}, nil
	case r.domain == "" || r.selector == "" || r.key == "":
		return r, &keyFault{message: "DOMAIN, SELECTOR or KEY is empty", hint: form}, nil
	}
	if fault = r.setNames(); fault == nil {
		fault = r.setKey()
	}
	return r, nil, fault
}

// setNames checks DOMAIN and SELECTOR and brings the domain to A-labels.
func (r *keyRow) setNames() *keyFault {
	if err := dkim.ValidSelector(r.selector); err != nil {
		return &keyFault{message: err.Error()}
	}
	if r.domain == senderDomain {
		return nil
	}
	if strings.Contains(r.domain, "%") {
		return &keyFault{message: "DOMAIN is neither a name nor % alone", hint: "no part of a domain is replaced"}
	}
	ascii, err := mailaddr.ALabels(r.domain)
	if err == nil {
		r.domain = ascii
		err = dkim.ValidDomain(ascii)
	}
	if err == nil {
		err = dkim.ValidRecordName(r.selector, ascii)
	}
	if err != nil {
		return &keyFault{message: err.Error()}
	}
	return nil
}

// setKey splits the algorithm off and tells a path from a key.
func (r *keyRow) setKey() *keyFault {
	isPath := strings.HasPrefix(r.key, "/") || strings.HasPrefix(r.key, "./") || strings.HasPrefix(r.key, "../")
	if i := strings.LastIndexByte(r.key, ':'); i >= 0 {
		tail := strings.TrimSpace(r.key[i+1:])
		algorithm, err := dkim.ParseAlgorithm(tail)
		switch {
		case err == nil, tail == "":
			r.key, r.algorithm = strings.TrimSpace(r.key[:i]), algorithm
		case looksLikeAlgorithm(tail):
			return &keyFault{message: err.Error()}
		case !isPath:
			return &keyFault{message: "the field behind the key is no algorithm", hint: "want rsa-sha256 or ed25519-sha256"}
		}
	}
	switch {
	case isPath && r.domain == senderDomain && strings.Contains(r.key, "%"):
		r.source = fromScan
	case isPath:
		r.source = fromFile
	case !looksLikeKey(r.key):
		return &keyFault{message: "KEY is neither a path nor a private key", hint: "a path begins with /, ./ or ../"}
	}
	return nil
}

// looksLikeAlgorithm keeps a misspelt algorithm from being taken for the end of a
// path, which may well have a colon in it.
func looksLikeAlgorithm(s string) bool {
	s = strings.ToLower(s)
	return strings.HasPrefix(s, "rsa-") || strings.HasPrefix(s, "ed25519")
}

// looksLikeKey tells a key from a file name without a path; dkim.ParsePrivateKey
// has the last word.
func looksLikeKey(s string) bool {
	const ed25519Seed = 44 // octets in base64, the shortest key there is
	if strings.HasPrefix(s, "-----BEGIN ") {
		return true
	}
	s = strings.ReplaceAll(s, " ", "")
	notBase64 := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '+' || r == '/' || r == '=')
	}
	return len(s) >= ed25519Seed && !strings.ContainsFunc(s, notBase64)
}

// inlineKey gives a key from a table to dkim.ParsePrivateKey. PEM on one line has
// blanks, "\n" or nothing where its line ends were.
func inlineKey(text string) []byte {
	head, rest, ok := strings.Cut(strings.TrimPrefix(text, "-----BEGIN "), "-----")
	body, _, ok2 := strings.Cut(rest, "-----END")
	if !strings.HasPrefix(text, "-----BEGIN ") || !ok || !ok2 {
		return []byte(text)
	}
	body = strings.NewReplacer(`\r`, "", `\n`, "", " ", "", "\t", "").Replace(body)
	return []byte("-----BEGIN " + head + "-----\n" + body + "\n-----END " + head + "-----\n")
}

// filePath is the path of a row whose source is fromFile.
func (r *keyRow) filePath(dir string) string {
	path := r.key
	if r.domain != senderDomain {
		path = strings.ReplaceAll(path, "%", r.domain)
	}
	if path[0] == '/' {
		return path
	}
	return filepath.Join(dir, path)
}
