package check

import (
	"fmt"
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns/authority"
)

// several reports more than one TXT record (RFC 6376 section 3.6.2.2).
func (c *checking) several(records []authority.Record) {
	count := fmt.Sprint(len(records))
	c.report.decide(Duplicate)
	for _, r := range records {
		if code, _ := c.privateKey(r, r.Text()); code != "" {
			c.report.raise(code, nil)
		}
	}
	if c.joins(records) {
		c.report.raise("D307", facts{"count": count})
		return
	}
	var parts []string
	for i, r := range records {
		if i == maxListed {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, c.whose(r.Text())+" "+quote(r.Text()))
	}
	c.report.raise("D308", facts{"count": count, "detail": strings.Join(parts, "; ")})
	if c.subject.Target != "" {
		c.report.raise("D513", facts{"count": count})
	}
}

// whose says what a record among several is.
func (c *checking) whose(text string) string {
	record, err := dkim.ParseKeyRecord(text)
	switch {
	case c.isOurs(text):
		return "yours:"
	case strings.HasPrefix(strings.ToLower(text), "v=spf1"):
		return "SPF:"
	case strings.HasPrefix(strings.ToLower(text), "v=dmarc1"):
		return "DMARC:"
	case err == nil && record.Public != nil:
		return "another key:"
	case strings.Contains(text, "-verif") || strings.Contains(text, "verification"):
		return "a verification token:"
	}
	return "foreign:"
}

// maxJoined bounds the records whose orders are tried: four have 24.
const maxJoined = 4

// joins tells whether the records make up the key when they are put one behind the other.
func (c *checking) joins(records []authority.Record) bool {
	if len(records) > maxJoined || c.usable(c.end.texts()) {
		return false
	}
	var pieces []string
	for _, r := range records {
		pieces = append(pieces, r.Text())
	}
	return c.someOrder(pieces)
}

// someOrder tells whether pieces, in any order, join to the key that is wanted.
func (c *checking) someOrder(pieces []string) bool {
	found := false
	permute(pieces, len(pieces), func(order []string) bool {
		found = c.usable([]string{strings.Join(order, "")})
		return !found
	})
	return found
}

// permute calls visit with every order of list until it returns false (Heap's algorithm). The list is changed.
func permute(list []string, n int, visit func([]string) bool) bool {
	if n <= 1 {
		return visit(list)
	}
	for i := range n {
		if !permute(list, n-1, visit) {
			return false
		}
		if n%2 == 0 {
			list[i], list[n-1] = list[n-1], list[i]
		} else {
			list[0], list[n-1] = list[n-1], list[0]
		}
	}
	return true
}
