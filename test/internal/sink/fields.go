package sink

import (
	"bytes"
	"strings"
)

// Fields cuts the header of msg into its fields, each with its continuation lines and last CRLF.
func Fields(msg []byte) (all []string) {
	header, _, _ := bytes.Cut(msg, []byte("\r\n\r\n"))
	for l := range strings.SplitAfterSeq(string(header)+"\r\n", "\n") {
		switch {
		case l == "":
		case len(all) > 0 && (l[0] == ' ' || l[0] == '\t'):
			all[len(all)-1] += l
		default:
			all = append(all, l)
		}
	}
	return all
}

// Values are those of the fields with a name, as they stand, without the last CRLF.
func Values(msg []byte, name string) (values []string) {
	for _, f := range Fields(msg) {
		if n, value, _ := strings.Cut(f, ":"); strings.EqualFold(strings.TrimSpace(n), name) {
			values = append(values, strings.TrimSuffix(value, "\r\n"))
		}
	}
	return values
}
