package dkim

import (
	"fmt"
	"strings"
	"time"
)

// maxString is the longest character-string of a TXT record (RFC 1035 section 3.3).
const maxString = 255

// TXTStrings cuts a record into the strings of one TXT record, each of at most 255 octets. A verifier joins them with nothing in
// between (RFC 6376 section 3.6.2.2).
func TXTStrings(record string) []string {
	var out []string
	for len(record) > maxString {
		out = append(out, record[:maxString])
		record = record[maxString:]
	}
	return append(out, record)
}

// ZoneLines writes a record for a zone file, a string on each line, in parentheses where there are several:
//
//	mail._domainkey.example.com. 3600 IN TXT (
//		"v=DKIM1; k=rsa; p=MIIB…"
//		"…IDAQAB" )
func ZoneLines(selector, domain, record string, ttl time.Duration) string {
	quoted := quoteStrings(record)
	if len(quoted) == 1 {
		return OneLine(selector, domain, record, ttl)
	}
	return zoneHead(selector, domain, ttl) + "(\n\t" + strings.Join(quoted, "\n\t") + " )\n"
}

// OneLine writes a record for a zone file or a DNS panel in a single line.
func OneLine(selector, domain, record string, ttl time.Duration) string {
	return zoneHead(selector, domain, ttl) + strings.Join(quoteStrings(record), " ") + "\n"
}

func zoneHead(selector, domain string, ttl time.Duration) string {
	return fmt.Sprintf("%s. %d IN TXT ", RecordName(selector, domain), int64(ttl/time.Second))
}

// quoteStrings quotes each string as RFC 1035 section 5.1 wants it. A semicolon needs no backslash between quotes.
func quoteStrings(record string) []string {
	quoted := TXTStrings(record)
	for i, s := range quoted {
		quoted[i] = `"` + zoneEscape.Replace(s) + `"`
	}
	return quoted
}

var zoneEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
