package config

import (
	"fmt"
	"strings"
)

// lines tells on which line of the file a key path stands. The TOML library
// keeps no positions for keys, so this scanner finds them: it knows tables,
// arrays of tables, and how far a multi-line value reaches, nothing else.
type lines map[string]int

// of gives the line of a key path ("sign.expire", "listener[1].mode"), else
// that of the table it is in, else 0.
func (l lines) of(key string) int {
	for key != "" {
		if n, ok := l[key]; ok {
			return n
		}
		cut := strings.LastIndexAny(key, ".[")
		if cut < 0 {
			break
		}
		key = key[:cut]
	}
	return 0
}

// scanLines reads a whole file that is known to be well-formed TOML.
func scanLines(text string) lines {
	found, prefix, rows := lines{}, "", map[string]int{}
	var open valueScanner
	for i, line := range strings.Split(text, "\n") {
		if open.inside() {
			open.feed(line)
			continue
		}
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "[["):
			name := tableName(line)
			prefix = fmt.Sprintf("%s[%d]", name, rows[name])
			rows[name]++
			found[prefix] = i + 1
		case line[0] == '[':
			prefix = tableName(line)
			found[prefix] = i + 1
		default:
			key, value, ok := strings.Cut(line, "=")
			if !ok {
				continue
			}
			path := strings.Trim(strings.TrimSpace(key), `"'`)
			if prefix != "" {
				path = prefix + "." + path
			}
			found[path] = i + 1
			open.feed(value)
		}
	}
	return found
}

func tableName(line string) string {
	line, _, _ = strings.Cut(line, "]")
	return strings.TrimSpace(strings.TrimLeft(line, "["))
}

// valueScanner follows a value over several lines: brackets outside strings,
// and the two kinds of multi-line strings.
type valueScanner struct {
	depth int
	quote string // the delimiter of the string that is open
}

func (v *valueScanner) inside() bool { return v.depth > 0 || len(v.quote) == 3 }

func (v *valueScanner) feed(s string) {
	for len(s) > 0 {
		if v.quote != "" {
			s = v.skipString(s)
			continue
		}
		switch s[0] {
		case '#':
			return
		case '[', '{':
			v.depth++
		case ']', '}':
			v.depth--
		case '"', '\'':
			v.quote = s[:1]
			if strings.HasPrefix(s, strings.Repeat(v.quote, 3)) {
				v.quote = s[:3]
			}
			s = s[len(v.quote)-1:]
		}
		s = s[1:]
	}
	if len(v.quote) == 1 {
		v.quote = "" // a plain string ends with its line
	}
}

// skipString drops what belongs to the open string.
func (v *valueScanner) skipString(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && v.quote[0] == '"' {
			i++
			continue
		}
		if strings.HasPrefix(s[i:], v.quote) {
			rest := s[i+len(v.quote):]
			v.quote = ""
			return rest
		}
	}
	return ""
}
