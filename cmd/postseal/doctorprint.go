package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/postseal/postseal/internal/doctor"
)

func (o *doctorOptions) print(out io.Writer, f *doctor.Facts, findings []doctor.Finding) error {
	if o.json {
		return o.printJSON(out, f, findings)
	}
	for _, x := range findings {
		fmt.Fprintf(out, "%-7s  %s: %s\n", strings.ToUpper(string(x.Severity)), x.Word, x.Title)
		fmt.Fprintf(out, "  looked at  %s\n  found      %s\n  change     %s\n\n", x.Looked, indented(x.Found), indented(x.Change))
	}
	if o.domain != "" {
		for i := range f.Domains {
			printDomain(out, &f.Domains[i])
		}
	}
	fmt.Fprintln(out, o.summary(f, findings))
	return nil
}

// indented puts further lines below the first.
func indented(s string) string { return strings.ReplaceAll(s, "\n", "\n             ") }

// summary is the last line: how many findings, and how much was looked at.
func (o *doctorOptions) summary(f *doctor.Facts, findings []doctor.Finding) string {
	counts := []string{}
	for _, c := range []struct {
		severity doctor.Severity
		word     string
	}{{doctor.Error, "error"}, {doctor.Warning, "warning"}, {doctor.Note, "note"}} {
		if n := doctor.Count(findings, c.severity); n > 0 {
			counts = append(counts, plural(n, c.word))
		}
	}
	verdict := strings.Join(counts, ", ")
	if worst := doctor.Worst(findings); worst == "" || worst == doctor.Note {
		verdict = strings.TrimSuffix("all is well; "+verdict, "; ")
	}
	return verdict + ": looked at " + strings.Join(o.seen(f), ", ")
}

// seen is what was looked at.
func (o *doctorOptions) seen(f *doctor.Facts) (all []string) {
	if o.domain != "" {
		return []string{o.domain}
	}
	if p := f.Postfix; p != nil {
		all = append(all, fmt.Sprintf("Postfix %s (%s, %s)", p.Params["mail_version"], p.Dir, plural(len(p.Services), "service")))
	}
	if s := f.Sendmail; s != nil {
		all = append(all, fmt.Sprintf("Sendmail (%s, %s)", s.Path, plural(len(s.Filters), "filter")))
	}
	all = append(all,
		plural(len(f.Ours.Config.Listeners), "listener"), plural(f.Ours.Keys, "key"), plural(f.Ours.Lines, "signing line"), plural(len(f.Ours.Files), "file"))
	if f.Resolver != nil {
		return append(all, "DNS of "+plural(len(f.Domains), "domain"))
	}
	return append(all, "not at DNS")
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func printDomain(out io.Writer, d *doctor.Domain) {
	fmt.Fprintln(out, d.Name)
	for _, r := range d.Rows {
		fmt.Fprintf(out, "  line       %s: %s\n", r.Where, rowText(d, r))
	}
	for _, k := range d.Keys {
		fmt.Fprintf(out, "  key        %s: %s\n", k.Result.Name, k.Result.Verdict)
	}
	if d.Err == nil {
		fmt.Fprintf(out, "  DMARC      %s\n  SPF        %s\n", orNone(d.DMARC.Texts), orNone(d.SPF))
	}
	fmt.Fprintln(out)
}

func rowText(d *doctor.Domain, r doctor.Row) string {
	switch {
	case r.Out != "":
		return "out of service: " + r.Out
	case r.Aligned(d):
		return strings.Join(r.Keys, ", ") + ", aligned with " + d.Name
	}
	return strings.Join(r.Keys, ", ") + ", not aligned with " + d.Name
}

// orNone shows records, which strangers wrote.
func orNone(records []string) string {
	if len(records) == 0 {
		return "none"
	}
	var lines []string
	for _, r := range records {
		lines = append(lines, doctor.Printable(strings.ReplaceAll(r, "\n", "?")))
	}
	return indented(strings.Join(lines, "\n"))
}

// doctorJSON is the whole outcome; times and facts of the host are left to the text of the findings.
type doctorJSON struct {
	Findings []doctor.Finding `json:"findings"`
	Errors   int              `json:"errors"`
	Warnings int              `json:"warnings"`
	Notes    int              `json:"notes"`
	LookedAt []string         `json:"looked_at"`
	Domains  []domainJSON     `json:"domains,omitempty"`
}

type domainJSON struct {
	Name    string            `json:"name"`
	Lines   []string          `json:"lines"`
	Keys    map[string]string `json:"keys"` // name of the record to verdict
	DMARC   []string          `json:"dmarc"`
	SPF     []string          `json:"spf"`
	Aligned bool              `json:"aligned"`
}

func (o *doctorOptions) printJSON(out io.Writer, f *doctor.Facts, findings []doctor.Finding) error {
	all := doctorJSON{
		Findings: append([]doctor.Finding{}, findings...), LookedAt: o.seen(f),
		Errors: doctor.Count(findings, doctor.Error), Warnings: doctor.Count(findings, doctor.Warning), Notes: doctor.Count(findings, doctor.Note),
	}
	for i := range f.Domains {
		d := &f.Domains[i]
		j := domainJSON{Name: d.Name, Keys: map[string]string{}, DMARC: d.DMARC.Texts, SPF: d.SPF}
		for _, r := range d.Rows {
			j.Lines = append(j.Lines, r.Where)
			j.Aligned = j.Aligned || r.Aligned(d)
		}
		for _, k := range d.Keys {
			j.Keys[k.Result.Name] = string(k.Result.Verdict)
		}
		all.Domains = append(all.Domains, j)
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(all)
}
