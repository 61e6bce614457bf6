package manual

import (
	"fmt"
	"regexp"
	"strings"
)

// Man makes a man page, man(7), of a page of docs/. Its first paragraph is the
// one line of NAME. Nothing is hyphenated: most long words are names of options.
func (p Page) Man(markdown string) string {
	blocks := parse(markdown)
	var w strings.Builder
	fmt.Fprintf(&w, ".\\\" Made from docs/%s.\n", p.Source)
	fmt.Fprintf(&w, ".TH %s %s \"\" postseal \"%s\"\n.nh\n", strings.ToUpper(escape(p.Name, true)), p.Section, p.Title)
	for i, b := range blocks {
		switch {
		case b.kind == title:
			continue
		case b.kind == paragraph && i == 1:
			fmt.Fprintf(&w, ".SH NAME\n%s \\- %s\n", escape(p.Name, true), line(inline(b.text)))
		default:
			roff(&w, b)
		}
	}
	return w.String()
}

// roff writes one block.
func roff(w *strings.Builder, b block) {
	switch b.kind {
	case section:
		fmt.Fprintf(w, ".SH \"%s\"\n", heading(strings.ToUpper(b.text)))
	case subsection:
		fmt.Fprintf(w, ".SS \"%s\"\n", heading(b.text))
	case paragraph:
		fmt.Fprintf(w, ".PP\n%s\n", inline(b.text))
	case code:
		fmt.Fprintf(w, ".PP\n.RS 4\n.nf\n%s\n.fi\n.RE\n", verbatim(b.text))
	case list:
		for _, i := range b.blocks {
			listItem(w, i)
		}
	}
}

// listItem writes a term with what it is, or an item with a bullet.
func listItem(w *strings.Builder, i block) {
	if len(i.blocks) == 0 {
		fmt.Fprintf(w, ".IP \\(bu 2\n%s\n", inline(i.text))
		return
	}
	fmt.Fprintf(w, ".TP\n%s\n", line(inline(i.text)))
	for n, b := range i.blocks {
		switch {
		case b.kind == paragraph && n == 0:
			fmt.Fprintf(w, "%s\n", inline(b.text))
		case b.kind == paragraph:
			fmt.Fprintf(w, ".IP\n%s\n", inline(b.text))
		default:
			w.WriteString(".RS\n")
			roff(w, b)
			w.WriteString(".RE\n")
		}
	}
}

var (
	link   = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	manual = regexp.MustCompile(`\b(postseal(?:\.toml|-keytable)?)\((\d)\)`)
)

// inline turns code, emphasis and links into fonts.
func inline(text string) string {
	text = link.ReplaceAllString(text, "$1")
	var out strings.Builder
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			out.WriteString(`\fB` + escape(part, true) + `\fR`)
			continue
		}
		emphasised := false
		for n, piece := range strings.Split(strings.ReplaceAll(part, `\*`, "\x00"), "*") {
			if n > 0 {
				emphasised = !emphasised
				out.WriteString(map[bool]string{true: `\fI`, false: `\fR`}[emphasised])
			}
			piece = escape(unescape(strings.ReplaceAll(piece, "\x00", "*")), false)
			out.WriteString(manual.ReplaceAllString(piece, `\fB$1\fR($2)`))
		}
	}
	return guard(out.String())
}

// unescape takes away what markdownText puts before what Markdown would take for
// its own.
func unescape(s string) string {
	return strings.NewReplacer(`\<`, "<", `\[`, "[", `\_`, "_").Replace(s)
}

func heading(text string) string {
	return strings.ReplaceAll(escape(strings.NewReplacer("`", "", `"`, "").Replace(text), true), "\n", " ")
}

func verbatim(text string) string { return guard(escape(text, true)) }

func line(s string) string { return strings.ReplaceAll(s, "\n", " ") }

// escape makes text safe for roff. In code "-", "'", "`", "^" and "~" have to be those of
// the keyboard, so that they can be copied.
func escape(s string, literal bool) string {
	s = strings.ReplaceAll(s, `\`, `\(rs`)
	if literal {
		s = strings.NewReplacer("-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(s)
	}
	return s
}

// guard keeps lines of text from being taken for requests.
func guard(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
