package sources

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
)

// sendmailCF is where Sendmail's configuration is.
const sendmailCF = "/etc/mail/sendmail.cf"

// sendmail reads sendmail.cf (op.me section 5): the classes of names that mail is
// taken for, the names that mail is sent from, and the virtual users. No sendmail.cf
// has no domains.
func (r *reader) sendmail() error {
	text, err := r.ReadFile(sendmailCF)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if len(line) < 2 {
			continue
		}
		name, value := macroName(line[1:])
		switch line[0] {
		case 'C':
			if slices.Contains(ourClasses, name) {
				r.hosts(strings.Fields(value)...)
			}
		case 'F':
			if slices.Contains(ourClasses, name) {
				r.classFile(strings.TrimSpace(value))
			}
		case 'D': // j: this host; M: what the senders of its mail are shown as
			if name == "j" || name == "M" {
				r.hosts(value)
			}
		case 'K':
			if f := strings.Fields(line[1:]); len(f) > 2 && f[0] == "virtuser" {
				r.virtualUsers(f[1], f[len(f)-1])
			}
		}
	}
	return nil
}

// ourClasses are local-host-names, relay-domains and the domains of virtual users
// (cf/README).
var ourClasses = []string{"w", "R", "VirtHost"}

// macroName reads a name of one letter, or of more in braces.
func macroName(text string) (name, rest string) {
	if text[0] == '{' {
		name, rest, _ = strings.Cut(text[1:], "}")
		return name, rest
	}
	return text[:1], text[1:]
}

// classFile reads the file of an F line: its first words. "-o" says that it need not
// be there.
func (r *reader) classFile(value string) {
	optional := strings.HasPrefix(value, "-o")
	words := strings.Fields(strings.TrimPrefix(value, "-o"))
	if len(words) == 0 {
		return
	}
	if !strings.HasPrefix(words[0], "/") {
		r.remark("%s: F line of %q: only files can be listed; name its domains by file: or exec:", sendmailCF, words[0])
		return
	}
	text, err := r.ReadFile(words[0])
	if optional && errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		r.remark("%v", err)
		return
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if words := strings.Fields(line); len(words) > 0 {
			r.hosts(words[0])
		}
	}
}

// virtualUsers reads the domains on the left side of virtusertable's text, beside
// which its index is. The right side is where mail goes on to: often somebody else's.
func (r *reader) virtualUsers(kind, path string) {
	path = strings.TrimSuffix(path, ".db")
	text, err := r.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(path, "/") {
		if _, err := r.ReadFile(path + ".db"); errors.Is(err, fs.ErrNotExist) {
			return
		}
	}
	if err != nil {
		r.remark("virtusertable, %s: %v; name its domains by file: or exec:", kind, err)
		return
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if words := strings.Fields(line); len(words) > 0 {
			if _, domain, ok := strings.Cut(words[0], "@"); ok {
				r.hosts(domain)
			}
		}
	}
}
