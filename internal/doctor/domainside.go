package doctor

import (
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/postseal/postseal/internal/check"
)

// domains judges what DNS says of each.
func (e *examination) domains() {
	for i := range e.Domains {
		e.domain(&e.Domains[i])
	}
	if e.Skipped > 0 {
		e.raise("domains-skipped", texts{"asked": strconv.Itoa(len(e.Domains)), "skipped": strconv.Itoa(e.Skipped)})
	}
}

func (e *examination) domain(d *Domain) {
	if d.Err == errNoDNS {
		return
	}
	bad := len(d.Keys) == 0 && len(d.Rows) == 0 && e.Ours.Tabled
	for _, k := range d.Keys {
		bad = !e.keyRecord(k) || bad
	}
	if len(d.Rows) == 0 && e.Ours.Tabled && !d.Held {
		e.raise("domain-without-row", texts{"domain": d.Name})
	}
	aligned := len(d.Rows) == 0
	for _, r := range d.Rows {
		bad = bad || r.Out != "" && !e.closed(r.Out)
		aligned = aligned || r.Aligned(d)
	}
	if !aligned {
		e.raise("not-aligned", texts{"domain": d.Name, "row": d.Rows[0].Where, "keys": list(d.Rows[0].Keys)})
	}
	if d.Err != nil {
		e.raise("not-seen", texts{"what": "DMARC and SPF of " + d.Name, "error": d.Err.Error()})
		return
	}
	e.dmarc(d, bad || !aligned)
	e.spf(d)
}

// keyRecord passes on what the check of a key found, and tells whether receivers can verify with it. Notes are for who asks for one domain.
func (e *examination) keyRecord(k Key) (good bool) {
	good = true
	for _, f := range k.Result.Findings {
		severity := map[check.Severity]Severity{check.Error: Error, check.Unsettled: Warning, check.Warning: Warning, check.Note: Note}[f.Severity]
		if severity == Note && !e.notes {
			continue
		}
		good = good && f.Severity != check.Error
		e.findings = append(e.findings, Finding{
			Word: f.Code, Severity: severity, Title: k.Result.Name + ": " + f.Title, Looked: f.Asked, Found: f.Got, Change: f.Change,
		})
	}
	return good
}

// Aligned tells whether a signature that this line makes counts for mail from the domain (RFC 7489 section 3.1.1).
func (r *Row) Aligned(d *Domain) bool {
	for _, signing := range r.Signs {
		if signing == d.Name || !d.DMARC.Strict && registered(signing) == registered(d.Name) {
			return true
		}
	}
	return len(r.Signs) == 0
}

// registered is the domain that somebody registered to have a name.
func registered(domain string) string {
	if org, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return org
	}
	return domain
}

// dmarc: a policy that asks for signatures makes their absence worse (D610).
func (e *examination) dmarc(d *Domain, unsigned bool) {
	p := d.DMARC
	switch {
	case len(p.Texts) == 0:
		e.raise("dmarc-missing", texts{"domain": d.Name})
	case len(p.Texts) > 1:
		e.raiseAs("dmarc-broken", Warning, texts{"name": p.Name, "found": strconv.Itoa(len(p.Texts)) + " records: receivers then take none of them"})
	case p.Err != nil:
		e.raise("dmarc-broken", texts{"name": p.Name, "found": p.Texts[0] + " (" + p.Err.Error() + ")"})
	case p.Request != "none" && unsigned:
		e.raise("dmarc-unsigned", texts{"domain": d.Name, "name": p.Name, "policy": p.Request})
	}
}

// spf looks at the record from afar (RFC 7208): whether it is there, once, and says anything.
func (e *examination) spf(d *Domain) {
	switch {
	case len(d.SPF) == 0:
		e.raise("spf-missing", texts{"domain": d.Name})
	case len(d.SPF) > 1:
		e.raise("spf-broken", texts{"domain": d.Name, "found": strconv.Itoa(len(d.SPF)) + " records, which receivers take for an error (RFC 7208 section 4.5)"})
	case strings.Contains(" "+strings.ToLower(d.SPF[0])+" ", " +all "), strings.Contains(" "+strings.ToLower(d.SPF[0])+" ", " all "):
		e.raise("spf-broken", texts{"domain": d.Name, "found": d.SPF[0] + ": everybody may send"})
	}
}
