package opendkim

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/postseal/postseal/dkim"
)

// maxKeyFile bounds a key file; RSA-8192 in PEM takes 6 KB.
const maxKeyFile = 64 << 10

// keyFile gives what to write for a key file: the path where it is, or its place below keys/. OpenDKIM puts the signing
// domain for "%" in absolute paths only.
func (t *translator) keyFile(path, domain, selector string, at Position) (written string, ok bool) {
	percent := filepath.IsAbs(path) && strings.Contains(path, "%")
	if percent && domain == senderDomain {
		return t.keyFiles(t.keyPath(path), at)
	}
	if percent {
		path = strings.ReplaceAll(path, "%", domain)
	}
	path = t.keyPath(path)
	if !t.goodKey(path, at) {
		return "", false
	}
	if t.options.CopyKeys {
		return "./" + t.copyKey(path, domain, selector, at), true
	}
	if strings.Contains(path, "%") {
		t.problems.add(at, "import with --keys copy, or rename the file", "the key file %s has a %% in its name, which would stand for a domain", path)
		return "", false
	}
	t.result.referenced = append(t.result.referenced, path)
	return path, true
}

// keyPath is where opendkim finds a key file: it reads the keys of a table after ChangeRootDirectory.
func (t *translator) keyPath(path string) string {
	path = t.resolve(path)
	if s, ok := t.find("ChangeRootDirectory"); ok {
		if t.led["changerootdirectory"] == nil {
			t.became(s.Name, "key files are looked for below it")
		}
		return filepath.Join(t.resolve(s.Value), path)
	}
	return path
}

// goodKey sees that a file holds a key that can sign.
func (t *translator) goodKey(path string, at Position) bool {
	text, err := readText(path, maxKeyFile)
	if err == nil {
		_, err = dkim.ParsePrivateKey([]byte(text))
	}
	if err != nil {
		t.problems.add(at, hintForKey(err), "key file %s: %v", path, err)
	}
	return err == nil
}

func hintForKey(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "import as root"
	}
	return ""
}

// copyKey plans the copy of a key file; the same file is copied once.
func (t *translator) copyKey(from, domain, selector string, at Position) (to string) {
	if domain == senderDomain {
		domain = "any"
	}
	stem := filepath.Join(KeyDir, strings.ReplaceAll(domain+"."+selector, "/", "_"))
	for to = stem + ".pem"; ; to = stem + ".pem" {
		known, taken := t.copied[to]
		if taken && known != from {
			stem += "_"
			continue
		}
		if !taken {
			t.copied[to] = from
			t.result.Copies = append(t.result.Copies, Copy{from, to, at})
		}
		return to
	}
}

// keyFiles is keyFile for a path with "%" for the sender's domain: a file for each domain.
func (t *translator) keyFiles(pattern string, at Position) (written string, ok bool) {
	found, err := keyFilesOf(pattern)
	if err != nil || len(found) == 0 {
		t.problems.add(at, "", "no key file matches %s, %% being a domain", pattern)
		return "", false
	}
	ok = true
	for path := range found {
		ok = t.goodKey(path, at) && ok
	}
	t.note(at, Carried, pattern, "keys of %d domains; a domain added later is found at the next reload", len(found))
	if !ok || !t.options.CopyKeys {
		t.result.referenced = slices.AppendSeq(t.result.referenced, maps.Keys(found))
		return pattern, ok
	}
	before, _, _ := strings.Cut(pattern, "%")
	fixed := before[:strings.LastIndexByte(before, '/')+1]
	stem := KeyDir
	for from, taken := t.copied[stem+"/%"]; taken && from != fixed; from, taken = t.copied[stem+"/%"] {
		stem += "/more" // another directory of domains
	}
	t.copied[stem+"/%"] = fixed
	for path := range found {
		t.result.Copies = append(t.result.Copies, Copy{path, filepath.Join(stem, strings.TrimPrefix(path, fixed)), at})
	}
	return "./" + filepath.Join(stem, strings.TrimPrefix(pattern, fixed)), true
}

// keyFilesOf finds the files for which a pattern stands. As postseal does, it searches the first part of the path that
// has a "%" and puts what it finds there into the others.
func keyFilesOf(pattern string) (map[string]bool, error) {
	before, _, _ := strings.Cut(pattern, "%")
	dir := before[:strings.LastIndexByte(before, '/')+1]
	part, _, _ := strings.Cut(pattern[len(dir):], "/")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, e := range entries {
		n := strings.Count(part, "%")
		length := (len(e.Name()) - len(part) + n) / n
		start := strings.IndexByte(part, '%')
		if length <= 0 || start+length > len(e.Name()) {
			continue
		}
		domain := e.Name()[start : start+length]
		path := strings.ReplaceAll(pattern, "%", domain)
		info, err := os.Stat(path)
		if strings.ReplaceAll(part, "%", domain) == e.Name() && isDomain(domain) && err == nil && info.Mode().IsRegular() {
			found[path] = true
		}
	}
	return found, nil
}
