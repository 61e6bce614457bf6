package manual

import (
	"strings"
)

// block is a piece of a page. The Markdown that is understood is what our pages
// use:
//
//	# heading, ## section, ### subsection
//	paragraphs
//	    code, by four blanks
//	* item
//	* term
//
//	  what it is, in one or more blocks
type block struct {
	kind   kind
	text   string  // inline Markdown; of code the lines as they are
	blocks []block // of a list its items, of an item what follows its first paragraph
}

type kind uint8

const (
	paragraph kind = iota
	title
	section
	subsection
	code
	list
	item
)

var headings = []struct {
	mark string
	kind kind
}{{"# ", title}, {"## ", section}, {"### ", subsection}}

// parse splits a page into blocks.
func parse(page string) []block {
	lines := strings.Split(strings.TrimRight(page, "\n"), "\n")
	var blocks []block
	for len(lines) > 0 {
		var b block
		if strings.TrimSpace(lines[0]) == "" {
			lines = lines[1:]
			continue
		}
		b, lines = parseBlock(lines)
		blocks = append(blocks, b)
	}
	return blocks
}

func parseBlock(lines []string) (b block, rest []string) {
	for _, h := range headings {
		if text, ok := strings.CutPrefix(lines[0], h.mark); ok {
			return block{kind: h.kind, text: text}, lines[1:]
		}
	}
	switch {
	case strings.HasPrefix(lines[0], "    "):
		text, rest := indented(lines, "    ")
		return block{kind: code, text: strings.Join(text, "\n")}, rest
	case strings.HasPrefix(lines[0], "* "):
		return parseList(lines)
	}
	end := 1
	for end < len(lines) && strings.TrimSpace(lines[end]) != "" && !strings.HasPrefix(lines[end], "* ") {
		end++
	}
	return block{kind: paragraph, text: strings.Join(lines[:end], "\n")}, lines[end:]
}

// indented takes the lines that begin with blanks, and empty ones between them.
func indented(lines []string, blanks string) (text, rest []string) {
	end := 0
	for i, line := range lines {
		if strings.HasPrefix(line, blanks) {
			end = i + 1
		} else if strings.TrimSpace(line) != "" {
			break
		}
	}
	for _, line := range lines[:end] {
		text = append(text, strings.TrimPrefix(line, blanks))
	}
	return text, lines[end:]
}

func parseList(lines []string) (b block, rest []string) {
	b.kind = list
	for len(lines) > 0 && strings.HasPrefix(lines[0], "* ") {
		first := strings.TrimPrefix(lines[0], "* ")
		var more []string
		more, lines = indented(lines[1:], "  ")
		content := parse(first + "\n" + strings.Join(more, "\n"))
		b.blocks = append(b.blocks, block{kind: item, text: content[0].text, blocks: content[1:]})
		for len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
			lines = lines[1:]
		}
	}
	return b, lines
}
