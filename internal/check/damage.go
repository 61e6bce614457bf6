package check

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns/authority"
)

// damaged explains a record that is none. The kinds of damage are tried in an order in which one does not hide behind another; the
// parser's own words are the last.
func (c *checking) damaged(r authority.Record, parseErr error) {
	text := r.Text()
	for _, diagnose := range []func(authority.Record, string) (code, detail string){
		c.privateKey, c.armour, zoneLine, backslashes, quotes, cutAtSemicolon, c.changedCharacters, oddCharacters, noSemicolon,
		versionTag, c.wrongOrder, c.cutShort, wrapped, oddNumbers, wrongKind, noKey,
	} {
		if code, detail := diagnose(r, text); code != "" {
			c.report.raiseAs(code, Error, facts{"detail": detail})
			return
		}
	}
	detail := parseErr.Error()
	if fault := (*dkim.Fault)(nil); errors.As(parseErr, &fault) && fault.Detail != "" {
		detail = fault.Detail
	}
	c.report.raise("D313", facts{"detail": printable(detail)})
}

func (c *checking) armour(_ authority.Record, text string) (code, detail string) {
	if strings.Contains(text, "-----BEGIN ") || strings.Contains(text, "-----END ") {
		return "D310", ""
	}
	return "", ""
}

// zoneLinePattern is the begin of a zone file's line, with or without the name.
var zoneLinePattern = regexp.MustCompile(`(?i)^\s*(\S+\s+)?([0-9]+\s+)?(IN\s+TXT|IN\s+[0-9]+\s+TXT|TXT)[\s("]`)

func zoneLine(_ authority.Record, text string) (code, detail string) {
	if zoneLinePattern.MatchString(text) {
		return "D209", quote(text)
	}
	return "", ""
}

func backslashes(_ authority.Record, text string) (code, detail string) {
	if strings.Contains(text, `\;`) || strings.HasSuffix(text, `\`) {
		return "D301", ""
	}
	return "", ""
}

// quotes finds quotation marks where none belong: around the value, or inside of the key. In n= they are text.
func quotes(_ authority.Record, text string) (code, detail string) {
	trimmed := strings.TrimSpace(text)
	for _, mark := range []string{`"`, `'`, "“", "”", "„", "‘", "’", "«", "»", "\x93", "\x94"} {
		if strings.HasPrefix(trimmed, mark) || strings.Contains(valueOf(text, "p"), mark) || strings.HasSuffix(trimmed, mark) {
			return "D302", ""
		}
	}
	return "", ""
}

func cutAtSemicolon(_ authority.Record, text string) (code, detail string) {
	if strings.Trim(text, "; \t") == "v=DKIM1" {
		return "D303", ""
	}
	return "", ""
}

func noKey(_ authority.Record, text string) (code, detail string) {
	if _, err := dkim.ParseTagList(text); err == nil && !hasTag(text, "p") {
		return "D404", ""
	}
	return "", ""
}

// replacements undo what web forms and programs do to base64; the last is for p= alone.
var replacements = []struct {
	what string
	undo *strings.Replacer
}{
	{"HTML entities", strings.NewReplacer("&#43;", "+", "&#x2b;", "+", "&#x2B;", "+", "&plus;", "+", "&#47;", "/", "&#x2F;", "/", "&#61;", "=", "&equals;", "=", "&#59;", ";", "&semi;", ";", "&amp;", "&")},
	{"percent signs", strings.NewReplacer("%2B", "+", "%2b", "+", "%2F", "/", "%2f", "/", "%3D", "=", "%3d", "=", "%3B", ";", "%20", " ")},
	{"- and _ for + and /", strings.NewReplacer("-", "+", "_", "/")},
	{"blanks for +", strings.NewReplacer(" ", "+")},
}

func (c *checking) changedCharacters(_ authority.Record, text string) (code, detail string) {
	p := valueOf(text, "p")
	for i, r := range replacements {
		mended := r.undo.Replace(text)
		if i >= 2 {
			mended = strings.Replace(text, p, r.undo.Replace(p), 1)
		}
		if mended != text && c.usable([]string{mended}) {
			return "D311", r.what
		}
	}
	return "", ""
}

// oddCharacters finds control and non-ASCII characters that keep a record from being read.
func oddCharacters(_ authority.Record, text string) (code, detail string) {
	if detail := oddCharacter(text); detail != "" {
		return "D312", detail
	}
	return "", ""
}

// oddCharacter names the first one and its place, counted from 1; empty if there is none.
func oddCharacter(text string) string {
	for i, r := range text {
		if r < ' ' && r != '\t' || r >= 0x7f {
			if r == utf8.RuneError {
				return fmt.Sprintf("octet 0x%02x at %d", text[i], i+1)
			}
			return fmt.Sprintf("%U at %d", r, i+1)
		}
	}
	return ""
}

// swallowedTag is a tag inside the value of the one before it.
var swallowedTag = regexp.MustCompile(`[^;\s]\s+(v|k|h|s|t|n|p)\s*=`)

// noSemicolon finds tags with nothing between them.
func noSemicolon(_ authority.Record, text string) (code, detail string) {
	if m := swallowedTag.FindStringSubmatch(text); m != nil {
		return "D313", "no semicolon before " + m[1] + "="
	}
	return "", ""
}

// versionTag finds a v= that is not the first tag, or not DKIM1.
func versionTag(_ authority.Record, text string) (code, detail string) {
	tags, err := dkim.ParseTagList(text)
	if err != nil {
		return "", ""
	}
	if v, ok := tags.Get("v"); ok && (v != "DKIM1" || tags[0].Name != "v") {
		return "D314", ""
	}
	if v, ok := tags.Get("V"); ok && strings.EqualFold(v, "DKIM1") {
		return "D314", ""
	}
	return "", ""
}

// valueOf reads a tag out of a text that may be no tag list.
func valueOf(text, tag string) string {
	value, _ := findTag(text, tag)
	return value
}

func hasTag(text, tag string) bool {
	_, ok := findTag(text, tag)
	return ok
}

func findTag(text, tag string) (value string, ok bool) {
	for spec := range strings.SplitSeq(text, ";") {
		name, value, found := strings.Cut(spec, "=")
		if found && strings.TrimSpace(name) == tag {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}
