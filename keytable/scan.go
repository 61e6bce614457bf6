package keytable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/mailaddr"
)

// scan finds the keys of each line whose path has a "%" for the sender's domain
// ("%:s1:/keys/%/s1.pem") and adds a row for each. Domains come from names of
// files and directories at load, never from mail, so no sender can name a path.
// A domain that is added later is known after a reload.
func (k *keys) scan() (faults []rowFault) {
	for i := range k.rows { // of the lines only: range has fixed the length
		if k.rows[i].source != fromScan {
			continue
		}
		line := int32(i)
		found, err := scanPath(k.rows[i].filePath(k.table.dir))
		if err != nil {
			faults = append(faults, rowFault{line, &keyFault{message: "cannot look for key files: " + err.Error()}})
			continue
		}
		if len(found) == 0 {
			faults = append(faults, rowFault{line, &keyFault{message: fmt.Sprintf("no key file matches %s, %% being a domain", k.rows[i].key)}})
			continue
		}
		rows := make(map[string]int32, len(found))
		for domain, path := range found {
			row := k.rows[i]
			row.domain, row.key, row.source, row.next = domain, path, fromFile, none
			rows[domain] = int32(len(k.rows))
			k.rows = append(k.rows, row)
		}
		if k.scanned == nil {
			k.scanned = map[int32]map[string]int32{}
		}
		k.scanned[line] = rows
	}
	return faults
}

// scanPath returns the path of each domain for which the file exists. Only the
// first component with a "%" is searched; its value is put into the others.
func scanPath(template string) (map[string]string, error) {
	before, _, _ := strings.Cut(template, "%")
	dir := before[:strings.LastIndexByte(before, '/')+1]
	component, rest, _ := strings.Cut(template[len(dir):], "/")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, entry := range entries {
		value, ok := matchComponent(component, entry.Name())
		if !ok {
			continue
		}
		domain, err := mailaddr.ALabels(value)
		if err != nil || dkim.ValidDomain(domain) != nil {
			continue
		}
		if _, twice := found[domain]; twice && value != domain {
			continue // "Example.com" beside "example.com"
		}
		path := dir + strings.ReplaceAll(component, "%", value)
		if rest != "" {
			path = filepath.Join(path, strings.ReplaceAll(rest, "%", value))
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || isNotDir(err) {
			continue
		}
		found[domain] = path
	}
	return found, nil
}

// matchComponent finds what each "%" of component stands for in name.
func matchComponent(component, name string) (value string, ok bool) {
	n := strings.Count(component, "%")
	length := (len(name) - len(component) + n) / n
	start := strings.IndexByte(component, '%')
	if length <= 0 || start+length > len(name) {
		return "", false
	}
	value = name[start : start+length]
	return value, strings.ReplaceAll(component, "%", value) == name
}
