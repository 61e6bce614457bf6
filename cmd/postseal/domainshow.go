package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

func (m *managing) domainShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show DOMAIN",
		Short: "Tell everything about a domain: settings, keys, dates, health, journal",
		Args:  cobra.ExactArgs(1),
	}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		name, err := named(args[0])
		if err != nil {
			return err
		}
		d, err := s.service.Show(ctx, name)
		if err != nil {
			return err
		}
		if *asJSON {
			return m.printJSON(d)
		}
		m.printRowStatus(d.Row)
		m.printSettings(d.Domain)
		for _, k := range append(d.Keys, d.History...) {
			m.printKey(&k, d.Next[k.ID], d.Runs[k.ID])
		}
		m.printPublishing(d.Publishing)
		if len(d.Journal) > 0 {
			fmt.Fprintln(m.out, "\njournal")
			m.printJournal("  ", d.Journal)
		}
		return nil
	})
}

// fact prints a labelled line, unless there is nothing to say.
func (m *managing) fact(label, text string) {
	if text != "" {
		fmt.Fprintf(m.out, "  %-12s %s\n", label, oneLine(text))
	}
}

func (m *managing) printSettings(d domains.Domain) {
	fmt.Fprintln(m.out, "\nsettings")
	m.fact("enabled", yesNo(d.Enabled))
	m.fact("activation", string(d.Activation))
	publish := string(d.Publish)
	if d.Slots > 0 {
		publish += fmt.Sprintf(", %d slots", d.Slots)
	}
	m.fact("publish", publish)
	m.fact("on missing", string(d.OnMissing))
	m.fact("owner", d.Owner)
	m.fact("contact", d.Contact)
	m.fact("DNS driver", d.Driver)
	for _, o := range []struct {
		on   bool
		text string
	}{
		{d.SubDomains, "signs for what is below the domain"},
		{d.DualSign, "signs with both keys while rotating"},
		{d.DisabledFallback, "other keys may sign while disabled"},
	} {
		if o.on {
			m.fact("also", o.text)
		}
	}
	if d.RetireAfter > 0 {
		m.fact("retire after", d.RetireAfter.String())
	}
	if d.RotateEvery > 0 {
		m.fact("rotate every", d.RotateEvery.String())
	}
	m.fact("added", date(d.CreatedAt))
	m.fact("published", since("said to be, ", d.PublishedClaimedAt))
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func date(t time.Time) string { return since("", t) }

func since(prefix string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return prefix + records.Stamp(t)
}

func (m *managing) printKey(k *domains.Key, next string, runs []domains.CheckRun) {
	state := string(k.State)
	if k.Compromised {
		state += ", COMPROMISED"
	}
	fmt.Fprintf(m.out, "\nkey %s  %s  %s\n", k.Selector, keyKind(k), state)
	m.fact("record", dkim.RecordName(k.Selector, k.Domain))
	if k.Target != "" {
		m.fact("points to", k.Target+".")
	}
	m.fact("public", k.Print+" (goes into DNS; verifies)")
	if k.DestroyedAt.IsZero() {
		m.fact("private", "in the store, sealed (signs)")
	} else {
		m.fact("private", "destroyed "+records.Stamp(k.DestroyedAt))
	}
	for _, d := range []struct {
		label string
		at    time.Time
	}{
		{"made", k.CreatedAt},
		{"pending", k.PendingSince},
		{"verified", k.VerifiedAt},
		{"activated", k.ActivatedAt},
		{"last signed", k.LastSignedAt},
		{"suspended", k.SuspendedAt},
		{"retiring", k.RetiringSince},
		{"retired", k.RetiredAt},
		{"gone in DNS", k.DNSGoneAt},
		{"compromised", k.CompromisedAt},
	} {
		m.fact(d.label, date(d.at))
	}
	if k.Imported {
		m.fact("imported", "yes")
	}
	m.printHealth(k, runs)
	m.fact("next", next)
}

func (m *managing) printHealth(k *domains.Key, runs []domains.CheckRun) {
	h := &k.Health
	text := []string{string(h.Status)}
	for _, part := range []string{string(h.Reason), h.Code, h.Text} {
		if part != "" {
			text = append(text, part)
		}
	}
	m.fact("health", strings.Join(text, " ")+since(", since ", h.Since))
	m.fact("fix", h.Fix)
	for _, r := range runs {
		passed := "did not pass"
		if r.Passed {
			passed = "passed"
		}
		m.fact("checked", fmt.Sprintf("%s: %s, %s (%s)", records.Stamp(r.At), r.Verdict, passed, r.Source))
	}
}

// printJournal writes lines of the journal, oldest first.
func (m *managing) printJournal(indent string, entries []domains.Entry) {
	for _, e := range entries {
		what := e.Verb
		if e.From != e.To {
			what += " " + strings.Trim(e.From+" -> "+e.To, " ->")
			if e.From != "" && e.To != "" {
				what = e.Verb + " " + e.From + " -> " + e.To
			}
		}
		subject := e.Domain
		if e.Selector != "" {
			subject += "/" + e.Selector
		}
		fmt.Fprintf(m.out, "%s%s  %s  %s  %s: %s\n", indent, e.At.UTC().Format("2006-01-02 15:04:05"), e.Actor, subject, what, oneLine(e.Reason))
	}
}

// oneLine keeps what came from outside, as a tenant's contact or a text out of
// DNS, from writing lines of its own or talking to the terminal.
func oneLine(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) }) {
		return strconv.Quote(s)
	}
	return s
}

func count(n int64) string { return strconv.FormatInt(n, 10) }
