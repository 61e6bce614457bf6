package drivers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/postseal/postseal/internal/dns/update"
	"github.com/postseal/postseal/internal/domains"
)

// ZoneFile writes records into the files of zones, and has a command load them. Of a file
// it owns the lines between its marks (update.File) and the serial.
type ZoneFile struct {
	Path    string   // "%" is the zone's name
	SOAFile string   // the file with the SOA record, where Path is a fragment that it includes; "%" as in Path
	Reload  []string // a command that has the server load the zone; "%" as in Path
	Timeout time.Duration
	// Head begins the file of a zone that has none yet; empty: the file must be there.
	Head func(zone string) string
	Now  func() time.Time // nil: the machine's clock
}

// Plan implements domains.DNSWriter.
func (d *ZoneFile) Plan(_ context.Context, zone string, changes []domains.DNSChange) ([]domains.DNSOutcome, error) {
	e, err := d.open(zone)
	if err != nil {
		return nil, err
	}
	return e.judge(changes), nil
}

// Apply implements domains.DNSWriter. All changes are one new file and one reload. The
// reload is run also when the file is as it has to be: the one before may have failed.
func (d *ZoneFile) Apply(ctx context.Context, zone string, changes []domains.DNSChange) ([]domains.DNSOutcome, error) {
	out, err := d.rewrite(ctx, zone, changes)
	if err != nil {
		return untouched(len(changes), err), nil
	}
	if len(d.Reload) == 0 {
		return out, nil
	}
	command := make([]string, len(d.Reload))
	for i, word := range d.Reload {
		command[i] = strings.ReplaceAll(word, "%", zone)
	}
	if _, err := run(ctx, d.Timeout, command, nil, "POSTSEAL_ZONE="+zone); err != nil {
		for i := range out {
			if out[i].Verdict != domains.DNSForeign {
				out[i].Touched, out[i].Err = true, fmt.Errorf("the file is written, and the server could not be told: %w", err)
			}
		}
	}
	return out, nil
}

// rewrites is how often a file is read anew that somebody saves meanwhile.
const rewrites = 5

// rewrite changes the file, while no other process of ours does. A person's editor heeds
// no lock of ours: after its change everything begins anew.
func (d *ZoneFile) rewrite(ctx context.Context, zone string, changes []domains.DNSChange) ([]domains.DNSOutcome, error) {
	ctx, cancel := context.WithTimeout(ctx, timeoutOr(d.Timeout))
	defer cancel()
	unlock, err := lock(ctx, d.path(zone))
	if err != nil {
		return nil, err
	}
	defer unlock()
	for range rewrites {
		out, err := d.edit(zone, changes)
		if !errors.Is(err, errEdited) {
			return out, err
		}
	}
	return nil, fmt.Errorf("%s: it, or the file with its SOA record, was saved by somebody else each of the %d times that postseal was about to write it; nothing of theirs is overwritten: postseal tries again",
		d.path(zone), rewrites)
}

// edit makes the changes once.
func (d *ZoneFile) edit(zone string, changes []domains.DNSChange) ([]domains.DNSOutcome, error) {
	e, err := d.open(zone)
	if err != nil {
		return nil, err
	}
	out := e.judge(changes)
	names := map[string]bool{}
	for i := range changes {
		names[changes[i].Name] = true
	}
	alone := e.file.HoldsOnly(names) // a new file, or one without marks, as ErrTouched asks for; or it was that when we crashed
	changed := false
	for i := range changes {
		switch out[i].Verdict {
		case domains.DNSAdd, domains.DNSReplace:
			e.file.Put(wireRecord(changes[i].DNSRecord))
		case domains.DNSRemove:
			e.file.Drop(changes[i].Name, changes[i].Type)
		case domains.DNSSame:
			out[i].Anew = alone && changes[i].Value != "" && e.file.Ours(changes[i].Name, changes[i].Type)
			continue
		case domains.DNSForeign:
			continue
		}
		out[i].Touched, out[i].Anew, changed = true, alone, true
	}
	if !changed {
		return out, nil
	}
	return out, e.write(d.now())
}

func (d *ZoneFile) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

func (d *ZoneFile) path(zone string) string { return strings.ReplaceAll(d.Path, "%", zone) }

// edited is a zone's file on the way.
type edited struct {
	path, soaPath string // soaPath: of the file with the SOA record
	soaText       string // its text, where it is another file
	was, soaWas   state  // of both when they were read
	file          *update.File
}

// open reads the file of a zone, and that with the SOA record.
func (d *ZoneFile) open(zone string) (*edited, error) {
	e := &edited{path: d.path(zone), soaPath: d.path(zone)}
	text, was, err := read(e.path)
	e.was, e.soaWas = was, was
	if errors.Is(err, fs.ErrNotExist) {
		text, err = d.begin(zone, err)
	}
	if err != nil {
		return nil, err
	}
	if e.file, err = update.ReadFile(text, zone); err != nil {
		return nil, fmt.Errorf("%s: %w", e.path, err)
	}
	if d.SOAFile != "" {
		e.soaPath = strings.ReplaceAll(d.SOAFile, "%", zone)
		if e.soaText, e.soaWas, err = read(e.soaPath); err != nil {
			return nil, err
		}
		text = e.soaText
	}
	if _, err := update.Serial(text); err != nil {
		return nil, fmt.Errorf("%s: %w; name the file that has it in soa_file of the driver, so that its serial can be raised", e.soaPath, err)
	}
	return e, nil
}

// begin is the text of a file that is not there yet.
func (d *ZoneFile) begin(zone string, missing error) (string, error) {
	if d.SOAFile != "" {
		return "; of the zone " + zone + ", included by its zone file\n", nil
	}
	if d.Head != nil {
		if head := d.Head(zone); head != "" {
			return head, nil
		}
	}
	return "", fmt.Errorf("%w; make it with the SOA record and the NS records of %s", missing, zone)
}

func (e *edited) judge(changes []domains.DNSChange) []domains.DNSOutcome {
	out := make([]domains.DNSOutcome, len(changes))
	for i := range changes {
		c := &changes[i]
		out[i] = judged(c, plainRecords(c.Zone, e.file.At(c.Name)))
		if v := out[i].Verdict; (v == domains.DNSReplace || v == domains.DNSRemove) && !e.file.Ours(c.Name, c.Type) {
			out[i].Verdict = domains.DNSForeign // its value is ours, and somebody has put it elsewhere
		}
	}
	return out
}

// write writes the serial and the records. Where they are two files, the serial comes
// first: after a crash in between the records still differ, and it is raised again.
func (e *edited) write(now time.Time) error {
	text := e.soaText
	if e.soaPath == e.path {
		text = e.file.Text(0)
	}
	old, err := update.Serial(text)
	if err != nil {
		return fmt.Errorf("%s: %w", e.soaPath, err)
	}
	serial := update.NextSerial(old, e.file.Serial, now)
	if e.soaPath == e.path {
		text = e.file.Text(serial)
	}
	if text, err = update.WithSerial(text, serial); err != nil {
		return fmt.Errorf("%s: %w", e.soaPath, err)
	}
	if err := replace(e.soaPath, text, e.soaWas); err != nil || e.soaPath == e.path {
		return err
	}
	return replace(e.path, e.file.Text(serial), e.was)
}
