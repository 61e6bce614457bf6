package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// cell is a field of a grid.
type cell struct {
	text   string
	colour string // of domains.Status; empty: none
}

// line is a row of a grid with what stands below it.
type line struct {
	cells []cell
	below []string
}

// grid prints lines in columns as wide as they need; colours only where wanted.
func grid(out io.Writer, lines []line, colours bool) {
	var widths []int
	for _, l := range lines {
		for i, c := range l.cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	for _, l := range lines {
		text := ""
		for i, c := range l.cells {
			padding := ""
			if i < len(l.cells)-1 {
				padding = strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2)
			}
			text += painted(c.text, c.colour, colours) + padding
		}
		fmt.Fprintln(out, strings.TrimRight(text, " "))
		for _, b := range l.below {
			fmt.Fprintln(out, "    "+b)
		}
	}
}

// escapes are the colours of a terminal (ECMA-48 SGR; amber is of the 256).
var escapes = map[string]string{
	"grey": "90", "yellow": "33", "blue": "34", "green": "32", "amber": "38;5;214", "red": "31",
}

func painted(text, colour string, on bool) string {
	code := escapes[colour]
	if !on || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// wantsColour says whether to print colours: auto, always or never.
func wantsColour(choice string, out any) (bool, error) {
	switch choice {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		return os.Getenv("NO_COLOR") == "" && isTerminal(out), nil
	}
	return false, &domains.Invalid{Input: choice, Problem: "is no choice of colours", Fix: "say auto, always or never"}
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// explained are the lines that tell why a status is what it is.
func explained(s domains.Status) []string {
	var out []string
	switch {
	case s.Text == "":
	case strings.Contains(s.Text, s.Code):
		out = append(out, oneLine(s.Text))
	default:
		out = append(out, s.Code+" "+oneLine(s.Text))
	}
	if s.Fix != "" {
		out = append(out, "fix: "+oneLine(s.Fix))
	}
	return out
}

// printStatus tells how a row stands.
func (m *managing) printStatus(ctx context.Context, s *store, name string) error {
	d, err := s.service.Show(ctx, name)
	if err != nil {
		return err
	}
	m.printRowStatus(d.Row)
	return nil
}

func (m *managing) printRowStatus(r domains.Row) {
	fmt.Fprintf(m.out, "%s: %s\n", records.Both(r.Domain.Name), r.Status.Label)
	for _, l := range explained(r.Status) {
		fmt.Fprintln(m.out, "  "+l)
	}
	if r.Status.Next != "" {
		fmt.Fprintln(m.out, "  next: "+r.Status.Next)
	}
}

// printRowAs prints one row, in words or in JSON.
func (m *managing) printRowAs(ctx context.Context, s *store, name string, asJSON bool) error {
	if !asJSON {
		return m.printStatus(ctx, s, name)
	}
	d, err := s.service.Show(ctx, name)
	if err != nil {
		return err
	}
	return m.printJSON(d.Row)
}

func (m *managing) printJSON(value any) error {
	e := json.NewEncoder(m.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(value)
}
