package authres

import (
	"slices"
	"strings"
)

// Removal says which Authentication-Results fields of a message must go before ours is added (RFC 8601 section 5).
type Removal struct {
	// ID is our authserv-id. An empty one finds nothing.
	ID string
	// Others are more ids to remove: "mx2.example.net", or ".example.net" for every id below example.net.
	Others []string
	// SpareMethods keeps fields with our ID that have results of these methods only: those of local milters that run before us. A
	// stranger's field of that kind is kept as well.
	SpareMethods []string
}

// Removes tells whether an Authentication-Results field with this value must go.
func (r Removal) Removes(value []byte) bool {
	if r.ID != "" && IsOurs(value, r.ID) {
		return !r.spares(value)
	}
	return len(r.Others) > 0 && claims(string(value), r.Others)
}

// spares wants every method of the field on the list, and at least one.
func (r Removal) spares(value []byte) bool {
	if len(r.SpareMethods) == 0 {
		return false
	}
	methods, ok := Methods(value)
	if !ok || len(methods) == 0 {
		return false
	}
	for _, m := range methods {
		if !slices.ContainsFunc(r.SpareMethods, func(s string) bool { return strings.EqualFold(s, m) }) {
			return false
		}
	}
	return true
}

// IsFieldName tells whether a field's name is Authentication-Results, in any letter case, with blanks before the colon or not (RFC 5322
// section 4.5; Postfix drops the blanks, and counts such a field with the others).
func IsFieldName(name string) bool {
	name = strings.TrimRight(name, " \t")
	// The length keeps out what folds to ASCII without being it, as a long s does: no MTA counts that.
	return len(name) == len(FieldName) && strings.EqualFold(name, FieldName)
}
