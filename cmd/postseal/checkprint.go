package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/postseal/postseal/internal/check"
)

// print writes the results and gives the exit code.
func (o *checkOptions) print(out io.Writer, domain string, results []check.Result) error {
	switch {
	case o.nagios:
		return printNagios(out, domain, results)
	case o.json:
		if err := printChecksJSON(out, results); err != nil {
			return err
		}
	default:
		for i, r := range results {
			if i > 0 {
				fmt.Fprintln(out)
			}
			printCheck(out, domain, r)
		}
	}
	return outcomeOf(results)
}

// outcomeOf is the exit code that the worst finding asks for.
func outcomeOf(results []check.Result) error {
	switch worstOf(results) {
	case check.Error:
		return &exitError{code: exitFinding}
	case check.Unsettled:
		return &exitError{code: exitTemporary}
	case check.Warning:
		return &exitError{code: exitWarnings}
	}
	return nil
}

// worstOf is the severity of the worst finding; empty if there is none.
func worstOf(results []check.Result) check.Severity {
	order := []check.Severity{check.Error, check.Unsettled, check.Warning, check.Note}
	worst := len(order)
	for _, r := range results {
		for _, f := range r.Findings {
			worst = min(worst, slices.Index(order, f.Severity))
		}
	}
	if worst == len(order) {
		return ""
	}
	return order[worst]
}

// printCheck writes the four texts of each finding, and the record that should be
// there.
func printCheck(out io.Writer, domain string, r check.Result) {
	what := "record"
	if r.Source != check.Pasted {
		what = domain + "  s=" + strings.TrimSuffix(r.Name, "._domainkey."+domain)
	}
	if len(r.Findings) == 0 {
		fmt.Fprintf(out, "%-62s OK\n", what)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(out, "%-62s %s %s: %s\n", what, strings.ToUpper(string(f.Severity)), f.Code, f.Title)
		fmt.Fprintf(out, "  asked     %s\n  got       %s\n  expected  %s\n  change    %s\n", f.Asked, f.Got, f.Expected, f.Change)
		if retry := r.Retry(); retry != "" {
			fmt.Fprintf(out, "  retry     after %s\n", retry)
		}
	}
	if r.Fingerprint != "" {
		fmt.Fprintf(out, "  key       %s, %d bit", r.Fingerprint, r.Bits)
		if r.TTL > 0 {
			fmt.Fprintf(out, ", TTL %d", int(r.TTL.Seconds()))
		}
		fmt.Fprintln(out)
	}
	if !r.Passed && r.Wanted != "" {
		fmt.Fprintf(out, "  publish   %s", r.Wanted)
	}
}

// checkJSON is a result in JSON, with times as seconds.
type checkJSON struct {
	check.Result
	TTL         int `json:"ttl,omitempty"`
	NegativeTTL int `json:"negative_ttl,omitempty"`
}

func printChecksJSON(out io.Writer, results []check.Result) error {
	all := []checkJSON{}
	for _, r := range results {
		all = append(all, checkJSON{r, int(r.TTL.Seconds()), int(r.NegativeTTL.Seconds())})
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(all)
}

// The exit codes of Nagios plugins.
const (
	nagiosOK       = 0
	nagiosWarning  = 1
	nagiosCritical = 2
	nagiosUnknown  = 3
)

// nagiosError tells in the one line why nothing was found out: Nagios has no other exit codes, and takes 2 for a finding.
func nagiosError(out io.Writer, name string, err error) error {
	if exit := (*exitError)(nil); err == nil || errors.As(err, &exit) && exit.err == nil {
		return err
	}
	fmt.Fprintln(out, strings.NewReplacer("\n", "; ", "|", "/").Replace("DKIM UNKNOWN: "+name+": "+err.Error()))
	return &exitError{code: nagiosUnknown}
}

// printNagios writes the one line that Nagios shows.
func printNagios(out io.Writer, domain string, results []check.Result) error {
	code, word := nagiosOK, "OK"
	switch worstOf(results) {
	case check.Error:
		code, word = nagiosCritical, "CRITICAL"
	case check.Unsettled:
		code, word = nagiosUnknown, "UNKNOWN"
	case check.Warning:
		code, word = nagiosWarning, "WARNING"
	}
	var parts []string
	for _, r := range results {
		part := strings.TrimSuffix(r.Name, "._domainkey."+domain) + " " + string(r.Verdict)
		for _, f := range r.Findings {
			if f.Severity != check.Note {
				part += fmt.Sprintf(" (%s %s)", f.Code, f.Title)
			}
		}
		parts = append(parts, part)
	}
	fmt.Fprintf(out, "DKIM %s: %s: %s\n", word, domain, strings.Join(parts, ", "))
	if code == nagiosOK {
		return nil
	}
	return &exitError{code: code}
}
