package miltertest

import (
	"bytes"
	"slices"
	"strings"
)

// headerField is a field as a milter is shown it: value is what follows the colon, folds as LF, no line end.
type headerField struct{ name, value string }

// Apply makes the changes that a filter asked for, in their order, and gives the message that is delivered, CRLF line ends.
//
// raw is the message that the filter was shown. The MTA's own Received stands above it unseen, which counts for inserting (0 above it, 1 below it), not for changing.
func Apply(raw []byte, mods []Modification) []byte {
	fields, body := split(raw)
	own := headerField{name: "\x00the MTA's Received"}
	fields = slices.Insert(fields, 0, own)
	for _, mod := range mods {
		fields = mod.apply(fields)
		if mod.Kind == 'b' {
			body = []byte(mod.Value)
		}
	}
	var out bytes.Buffer
	for _, f := range fields {
		if f != own {
			out.WriteString(f.name + ":" + strings.ReplaceAll(f.value, "\n", "\r\n") + "\r\n")
		}
	}
	out.WriteString("\r\n")
	out.Write(body)
	return out.Bytes()
}

// apply makes one change to the header.
func (mod Modification) apply(fields []headerField) []headerField {
	f := headerField{mod.Name, mod.Value}
	if !mod.Verbatim {
		f.value = " " + f.value
	}
	switch mod.Kind {
	case 'h':
		return append(fields, f)
	case 'i':
		return slices.Insert(fields, min(mod.Index, len(fields)), f)
	case 'm':
		at := find(fields, mod.Name, max(mod.Index, 1))
		switch {
		case at < 0 && mod.Value == "":
			return fields
		case at < 0:
			return append(fields, f)
		case mod.Value == "":
			return slices.Delete(fields, at, at+1)
		}
		fields[at].value = f.value
	}
	return fields
}

// find gives the place of the n-th field of a name, counted from 1, or -1.
func find(fields []headerField, name string, n int) int {
	for i, f := range fields {
		if strings.EqualFold(f.name, name) {
			if n--; n == 0 {
				return i
			}
		}
	}
	return -1
}

// split takes a message apart as an MTA does: fields with LF folds, no blank before the colon, and a body with CRLF line ends. The first line that cannot belong to a
// header ends it.
func split(raw []byte) (fields []headerField, body []byte) {
	text := strings.ReplaceAll(string(raw), "\r\n", "\n")
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		name, value, isField := strings.Cut(line, ":")
		switch {
		case line == "":
			text = rest
			return fields, crlf(text)
		case (line[0] == ' ' || line[0] == '\t') && len(fields) > 0:
			fields[len(fields)-1].value += "\n" + line
		case isField && strings.TrimRight(name, " \t") != "":
			fields = append(fields, headerField{strings.TrimRight(name, " \t"), value})
		default:
			return fields, crlf(text)
		}
		text = rest
	}
	return fields, nil
}

// crlf gives text CRLF line ends, and one at its end, as an MTA stores it.
func crlf(text string) []byte {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return []byte(strings.ReplaceAll(text, "\n", "\r\n"))
}
