package doctor

import (
	"slices"
	"strconv"
	"strings"
)

// rewriters are what the smtp client does to a message behind the milter, by parameter.
var rewriters = map[string]string{
	"smtp_generic_maps":         "addresses in From, To and the like are written anew",
	"smtp_header_checks":        "header fields may be changed or dropped",
	"smtp_mime_header_checks":   "header fields of MIME parts may be changed or dropped",
	"smtp_nested_header_checks": "header fields of attached messages may be changed or dropped",
	"smtp_body_checks":          "body lines may be changed or dropped",
	"milter_header_checks":      "fields that milters add, such as our signature, may be changed or dropped",
}

// maxLine is what SMTP takes in a line (RFC 5321 section 4.5.3.1.6), less its CRLF.
const maxLine = 998

// afterwards looks for what changes a message behind the milter. canonical_maps, masquerade_domains, header_checks and always_bcc act
// before it, or change nothing that is signed.
func (e *examination) afterwards(p *Postfix) {
	if !e.signs() {
		return
	}
	var names []string
	for name := range rewriters {
		if p.Params[name] != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		e.raise("rewritten-afterwards", texts{"name": name, "value": p.Params[name], "effect": rewriters[name], "dir": p.Dir})
	}
	if n, err := strconv.Atoi(p.Params["smtp_line_length_limit"]); err == nil && n > 0 && n < maxLine {
		e.raise("lines-broken", texts{"limit": strconv.Itoa(n), "dir": p.Dir})
	}
	if discarded := strings.ToLower(p.Params["smtp_discard_ehlo_keywords"]); words(discarded)["8bitmime"] && p.Params["disable_mime_output_conversion"] != "yes" {
		e.raise("eight-bit-converted", texts{"value": p.Params["smtp_discard_ehlo_keywords"], "dir": p.Dir})
	}
	e.relay(p.Params["relayhost"], "relayhost in "+p.Dir)
}

// relay: a service that mail is handed to may sign itself (KAR-32).
func (e *examination) relay(host, where string) {
	host = strings.ToLower(host)
	if at := strings.LastIndexByte(host, '['); at >= 0 {
		host, _, _ = strings.Cut(host[at+1:], "]")
	} else {
		host, _, _ = strings.Cut(host, ":")
	}
	for _, r := range catalog().relays {
		for _, domain := range r.Hosts {
			if host == domain || strings.HasSuffix(host, "."+domain) {
				e.raise("relay-signs", texts{"where": where, "host": host, "name": r.Name, "setup": r.Where})
			}
		}
	}
}
