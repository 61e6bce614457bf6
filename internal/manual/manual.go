// Package manual makes the reference pages: docs/commands.md from the commands
// themselves, docs/configuration.md from internal/config's options.toml, and the
// man pages from these two and docs/keytable.md. Tests compare the Markdown with
// what is made; mkman writes the man pages when packages are built.
//
//	cobra commands  -> docs/commands.md       -> postseal(8)
//	options.toml    -> docs/configuration.md  -> postseal.toml(5)
//	                   docs/keytable.md       -> postseal-keytable(5)
package manual

// Page is a man page and the page of docs/ that it is made from.
type Page struct {
	Source  string // file in docs/
	Name    string // postseal.toml
	Section string // "5"
	Title   string // of the section
}

// Pages are all man pages.
var Pages = []Page{
	{"commands.md", "postseal", "8", "System Administration"},
	{"configuration.md", "postseal.toml", "5", "File Formats"},
	{"keytable.md", "postseal-keytable", "5", "File Formats"},
}

// File is the name of the man page's file.
func (p Page) File() string { return p.Name + "." + p.Section }
