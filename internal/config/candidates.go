package config

import (
	"fmt"
	"path/filepath"
	"strings"
)

// ParseCandidates reads an entry of domains.candidates: its kind, and what it
// reads or runs.
//
//	postfix  sendmail            postfix, ""
//	file:/etc/postseal/users     file, /etc/postseal/users
//	exec:/usr/bin/list --all     exec, /usr/bin/list --all
//
// The arguments of a program are parted by blanks; there is no shell.
func ParseCandidates(s string) (kind, what string, err error) {
	kind, what, named := strings.Cut(s, ":")
	switch kind {
	case "postfix", "sendmail":
		if named {
			return "", "", fmt.Errorf("%q: %s has nothing after it", s, kind)
		}
		return kind, "", nil
	case "file":
		if !filepath.IsAbs(what) {
			return "", "", fmt.Errorf("%q: the path must be absolute", s)
		}
		return kind, what, nil
	case "exec":
		if words := strings.Fields(what); len(words) == 0 || !filepath.IsAbs(words[0]) {
			return "", "", fmt.Errorf("%q: the path of the program must be absolute", s)
		}
		return kind, what, nil
	}
	return "", "", fmt.Errorf("%q is no source of domains", s)
}
