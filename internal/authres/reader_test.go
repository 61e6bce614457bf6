package authres_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/postseal/postseal/internal/authres"
)

// The reader of these tests is another way to read what is written: by regular expressions, for the strict grammar with nothing optional.
var (
	readFold    = regexp.MustCompile(`\r\n\t`)
	readID      = regexp.MustCompile(`^("(?:[^"\\]|\\.)*"|[^\s;()"]+);`)
	readMethod  = regexp.MustCompile(`^ ([A-Za-z0-9-]+)=([A-Za-z0-9-]+)`)
	readComment = regexp.MustCompile(`^ \(([^()\\]*)\)`)
	readReason  = regexp.MustCompile(`^ reason=("[^"\\]*"|[^\s;()"]+)`)
	readProp    = regexp.MustCompile(`^ ([A-Za-z0-9-]+)\.([A-Za-z0-9-]+)=("[^"\\]*"|[^\s;()"]+)`)
	readOmitted = regexp.MustCompile(`^ \(results left out: \d+\)`)
	readPair    = regexp.MustCompile(`\\(.)`)
	regexpWord  = regexp.MustCompile(`"[^"]*"|\([^()]*\)`)
	readEscape  = regexp.MustCompile(`=[0-9A-F]{2}`)
)

// read reads a field's value as AppendTo writes it and decodes its texts.
func read(text string) (authres.Header, error) {
	text = readFold.ReplaceAllString(text, " ")
	next := func(re *regexp.Regexp) []string {
		m := re.FindStringSubmatch(text)
		if m != nil {
			text = text[len(m[0]):]
		}
		return m
	}
	var h authres.Header
	id := next(readID)
	if id == nil {
		return h, fmt.Errorf("no id: %q", text)
	}
	h.ID = readPair.ReplaceAllString(unquote(id[1]), "$1")
	if rest, ok := strings.CutPrefix(text, " none"); ok {
		text = rest
	} else {
		for {
			m := next(readMethod)
			if m == nil {
				return h, fmt.Errorf("no method: %q", text)
			}
			r := authres.Result{Method: m[1], Value: m[2]}
			if m := readOmitted.FindString(text); m != text || m == "" {
				if m := next(readComment); m != nil {
					r.Comment = decode(m[1])
				}
			}
			if m := next(readReason); m != nil {
				r.Reason = decode(unquote(m[1]))
			}
			for m := next(readProp); m != nil; m = next(readProp) {
				r.Properties = append(r.Properties, authres.Property{Type: m[1], Name: m[2], Value: decode(unquote(m[3]))})
			}
			h.Results = append(h.Results, r)
			if !strings.HasPrefix(text, ";") {
				break
			}
			text = text[1:]
		}
	}
	next(readOmitted)
	if text != "" {
		return h, fmt.Errorf("left over: %q", text)
	}
	return h, nil
}

func unquote(s string) string {
	if strings.HasPrefix(s, `"`) {
		return s[1 : len(s)-1]
	}
	return s
}

func decode(s string) string {
	return readEscape.ReplaceAllStringFunc(s, func(e string) string {
		c, _ := strconv.ParseUint(e[1:], 16, 8)
		return string([]byte{byte(c)})
	})
}
