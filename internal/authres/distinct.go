package authres

import "slices"

const (
	minTag = 8   // RFC 6008 section 4
	maxTag = 128 // two signatures that agree so far are somebody's game
)

// SignatureTags returns for each signature the value of its header.b: as many leading characters of b= as tell it from the others of
// the message, at least 8 (RFC 6008 section 4). b holds the base64 texts without white space. Signatures that are the same, and those
// that agree in 128 characters, cannot be told apart.
func SignatureTags(b []string) []string {
	sorted := slices.Compact(slices.Sorted(slices.Values(b)))
	lengths := make(map[string]int, len(sorted))
	for i, s := range sorted {
		n := minTag
		if i > 0 {
			n = max(n, common(s, sorted[i-1])+1)
		}
		if i+1 < len(sorted) {
			n = max(n, common(s, sorted[i+1])+1)
		}
		lengths[s] = min(n, len(s), maxTag)
	}
	tags := make([]string, len(b))
	for i, s := range b {
		tags[i] = s[:lengths[s]]
	}
	return tags
}

// common is the length of the longest common prefix.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
