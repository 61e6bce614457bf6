package records

import (
	"fmt"
	"strings"
)

// Format names a form of output.
type Format string

// The formats.
const (
	Table    Format = "table"    // for a terminal
	Guide    Format = "guide"    // numbered steps
	Share    Format = "share"    // a text for whoever runs the DNS
	Mail     Format = "mail"     // the same as a message
	Bind     Format = "bind"     // lines of a zone file
	NSUpdate Format = "nsupdate" // a script for nsupdate(1) or knsupdate(1)
	JSON     Format = "json"
	CSV      Format = "csv"
)

// Formats are all of them.
var Formats = []Format{Table, Guide, Share, Mail, Bind, NSUpdate, JSON, CSV}

// Write writes sheets in a format. A mail is for one sheet.
func Write(f Format, sheets []Sheet) (string, error) {
	switch f {
	case Table:
		return each(sheets, table), nil
	case Guide:
		return each(sheets, guide), nil
	case Share:
		return each(sheets, share), nil
	case Mail:
		if len(sheets) != 1 {
			return "", fmt.Errorf("a mail is about one domain, not %d", len(sheets))
		}
		return mail(&sheets[0]), nil
	case Bind:
		return each(sheets, zoneFile), nil
	case NSUpdate:
		return each(sheets, updateScript), nil
	case JSON:
		return asJSON(sheets)
	case CSV:
		return asCSV(sheets)
	}
	return "", fmt.Errorf("%q is no format: say %s", f, names())
}

func names() string {
	var words []string
	for _, f := range Formats {
		words = append(words, string(f))
	}
	return strings.Join(words, ", ")
}

func each(sheets []Sheet, write func(*text, *Sheet)) string {
	var t text
	for i := range sheets {
		if i > 0 {
			t.line("")
		}
		write(&t, &sheets[i])
	}
	return t.String()
}

// text is written line by line.
type text struct{ strings.Builder }

func (t *text) line(format string, args ...any) {
	if len(args) == 0 {
		t.WriteString(format)
	} else {
		fmt.Fprintf(t, format, args...)
	}
	t.WriteByte('\n')
}
