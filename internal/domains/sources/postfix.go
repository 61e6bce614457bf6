package sources

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// postfixLists are the parameters that name domains: what local mail is from, and
// the four address classes that Postfix takes mail for (ADDRESS_CLASS_README).
var postfixLists = []string{"myorigin", "mydestination", "virtual_mailbox_domains", "virtual_alias_domains", "relay_domains"}

// postfix asks postconf(1), which knows the defaults and replaces references. No
// Postfix, or one without main.cf, has no domains.
func (r *reader) postfix(ctx context.Context) error {
	dir, err := r.Run(ctx, "postconf", "-d", "-h", "config_directory")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	p := postfix{reader: r, dir: strings.TrimSpace(string(dir))}
	if _, err := r.ReadFile(path.Join(p.dir, "main.cf")); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	text, err := r.Run(ctx, "postconf", append([]string{"-c", p.dir, "-x"}, postfixLists...)...)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, "="); ok {
			p.list(ctx, strings.TrimSpace(name), value, 0)
		}
	}
	return nil
}

// postfix reads one instance.
type postfix struct {
	*reader
	dir string // of main.cf
}

// maxDepth bounds files of patterns that name files of patterns.
const maxDepth = 3

// list reads a list of domains as postconf(5) has it: names, files of names, tables.
// What begins with "!" is left out of a list, and so are we leaving it out.
func (p *postfix) list(ctx context.Context, param, text string, depth int) {
	for _, item := range items(text) {
		kind, _, table := strings.Cut(item, ":")
		switch {
		case strings.HasPrefix(item, "!"):
		case strings.HasPrefix(item, "/"):
			p.patterns(ctx, param, item, depth)
		case table && !strings.HasPrefix(item, "["):
			p.table(ctx, param, strings.TrimPrefix(kind, "{"), item)
		default:
			p.hosts(item)
		}
	}
}

// items parts a list at commas and blanks outside of braces.
func items(text string) []string {
	depth := 0
	return strings.FieldsFunc(text, func(c rune) bool {
		switch c {
		case '{':
			depth++
		case '}':
			depth--
		}
		return depth <= 0 && strings.ContainsRune(", \t\r\n", c)
	})
}

// patterns reads a file that a list names.
func (p *postfix) patterns(ctx context.Context, param, file string, depth int) {
	if depth == maxDepth {
		p.remark("%s: %s: files within files, too deep", param, file)
		return
	}
	text, err := p.ReadFile(file)
	if err != nil {
		p.remark("%s: %v", param, err)
		return
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		p.list(ctx, param, line, depth+1)
	}
}

// Tables that postmap -s lists; of those in files the text is beside the index.
var (
	listable = []string{"hash", "btree", "lmdb", "cdb", "dbm", "sdbm", "texthash", "inline"}
	inFiles  = listable[:len(listable)-1]
)

// table takes the keys of a table that are domains. A virtual alias or mailbox table
// has addresses too, which make no domain Postfix's own (virtual(5)).
func (p *postfix) table(ctx context.Context, param, kind, table string) {
	if kind == "proxy" { // proxymap(8) has no listing, what it reads has
		table = strings.TrimPrefix(table, "proxy:")
		kind, _, _ = strings.Cut(table, ":")
	}
	if !slices.Contains(listable, kind) {
		p.remark("%s: %s: such a table cannot be listed; name its domains by file: or exec:", param, table)
		return
	}
	text, err := p.Run(ctx, "postmap", "-c", p.dir, "-s", table)
	if err != nil && slices.Contains(inFiles, kind) {
		_, file, _ := strings.Cut(table, ":")
		if source, readErr := p.ReadFile(file); readErr == nil {
			text, err = source, nil
		}
	}
	if err != nil {
		p.remark("%s: %v", param, err)
		return
	}
	p.hosts(keys(string(text))...)
}

// keys are the left sides of a table in text, and of what postmap -s prints; hosts
// passes over the addresses. A line
// that begins with a blank goes on with the one before (postmap(1)).
func keys(text string) (all []string) {
	for line := range strings.Lines(text) {
		if line[0] == ' ' || line[0] == '\t' || line[0] == '#' {
			continue
		}
		if words := strings.Fields(line); len(words) > 0 {
			all = append(all, words[0])
		}
	}
	return all
}
