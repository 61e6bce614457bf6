package doctor

import (
	"strings"
	"time"
)

// Sendmail is what sendmail.cf says, and whether sendmail.mc says the same.
type Sendmail struct {
	Path    string
	Filters []Filter          // X lines
	Options map[string]string // O lines; the last one of a name
	Daemons []SendmailDaemon  // DaemonPortOptions
	Mailers map[string]string // M lines: name and the rest
	Macros  map[string]string // D lines
	Maps    map[string]string // K lines
	Source  string            // path of sendmail.mc, "" if there is none
	Named   bool              // sendmail.mc has a line INPUT_MAIL_FILTER for us
	Stale   bool              // sendmail.mc is younger than sendmail.cf
}

// Filter is an X line.
type Filter struct {
	Name string
	Milter
	Flag string // of F=: "", T, R, 4
}

// SendmailDaemon is an address at which Sendmail listens.
type SendmailDaemon struct {
	Name    string
	Filters []string // InputMailFilters=; nil: the option's
	Own     bool     // it has such a list
}

// parseSendmail reads sendmail.cf (op.me section 5). Lines that it does not know, all the rewriting among them, are passed over.
func parseSendmail(path, text string) *Sendmail {
	s := &Sendmail{
		Path: path, Options: map[string]string{}, Mailers: map[string]string{}, Macros: map[string]string{}, Maps: map[string]string{},
	}
	for _, line := range logicalLines(text) {
		rest := line[1:]
		switch line[0] {
		case 'X':
			s.filter(rest)
		case 'O':
			s.option(strings.TrimSpace(rest))
		case 'M':
			name, rest, _ := strings.Cut(rest, ",")
			s.Mailers[strings.TrimSpace(name)] = rest
		case 'D':
			if rest != "" {
				s.macro(rest)
			}
		case 'K':
			name, rest, _ := strings.Cut(rest, " ")
			s.Maps[name] = strings.TrimSpace(rest)
		}
	}
	return s
}

// logicalLines joins continuation lines, which begin with a blank, and drops comments and empty lines.
func logicalLines(text string) (all []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line == "" || line[0] == '#':
		case (line[0] == ' ' || line[0] == '\t') && len(all) > 0:
			all[len(all)-1] += " " + strings.TrimSpace(line)
		case line[0] != ' ' && line[0] != '\t':
			all = append(all, line)
		}
	}
	return all
}

// filter reads NAME, S=ADDRESS, F=FLAG, T=TIMES.
func (s *Sendmail) filter(line string) {
	name, rest, _ := strings.Cut(line, ",")
	f := Filter{Name: strings.TrimSpace(name)}
	for part := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch value = strings.TrimSpace(value); strings.TrimSpace(key) {
		case "S":
			f.Milter, _ = parseMilter(value)
		case "F":
			f.Flag = value
		}
	}
	s.Filters = append(s.Filters, f)
}

func (s *Sendmail) option(line string) {
	name, value, _ := strings.Cut(line, "=") // m4 writes an empty value without "="
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if name != "DaemonPortOptions" {
		s.Options[name] = value
		return
	}
	d := SendmailDaemon{}
	for part := range strings.SplitSeq(value, ",") {
		switch key, value, _ := strings.Cut(strings.TrimSpace(part), "="); key {
		case "Name", "N":
			d.Name = strings.TrimSpace(value)
		case "InputMailFilters", "I":
			d.Own = true
			d.Filters = strings.FieldsFunc(value, func(r rune) bool { return r == ';' || r == ' ' })
		}
	}
	s.Daemons = append(s.Daemons, d)
}

// macro reads a D line: one letter, or a name in braces, and the value.
func (s *Sendmail) macro(line string) {
	name, value := line[:1], line[1:]
	if line[0] == '{' {
		name, value, _ = strings.Cut(line[1:], "}")
	}
	s.Macros[name] = value
}

// filters of a daemon, in their order; of all that have none of their own for nil.
func (s *Sendmail) filters(d *SendmailDaemon) (all []Filter) {
	names := fields(s.Options["InputMailFilters"])
	if d != nil && d.Own {
		names = d.Filters
	}
	for _, name := range names {
		for _, f := range s.Filters {
			if f.Name == name {
				all = append(all, f)
			}
		}
	}
	return all
}

// user is whom Sendmail's daemon becomes to read and write mail; milters are called by it (RunAsUser).
func (s *Sendmail) user() string {
	name, _, _ := strings.Cut(strings.ReplaceAll(s.Options["RunAsUser"], ".", ":"), ":")
	if name == "" {
		return "root"
	}
	return name
}

// source compares with sendmail.mc.
func (s *Sendmail) source(path, text string, mc, cf time.Time) {
	s.Source, s.Stale = path, mc.After(cf)
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "dnl")
		if strings.Contains(line, "MAIL_FILTER(") && strings.Contains(line, serviceName) {
			s.Named = true
		}
	}
}
