package dns

import "strings"

const (
	maxName  = 253 // without the final dot (RFC 1035 section 2.3.4)
	maxLabel = 63
)

// canonical returns a name in lower case without a final dot. It refuses what is no host name with underscores: no such name has a key,
// and no octet of a stranger's gets into a question that could mean something on its way.
func canonical(name string) (string, error) {
	name = strings.TrimSuffix(name, ".")
	if len(name) > maxName {
		return "", &NameError{"over 253 octets"}
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" {
			return "", &NameError{"empty label"}
		}
		if len(label) > maxLabel {
			return "", &NameError{"label over 63 octets"}
		}
		for i := range len(label) {
			if !isNameOctet(label[i]) {
				return "", &NameError{"only letters, digits, hyphen and underscore"}
			}
		}
	}
	return strings.ToLower(name), nil
}

func isNameOctet(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}
