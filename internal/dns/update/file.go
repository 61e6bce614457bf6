package update

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	wire "github.com/miekg/dns"
)

// File is the text of a zone file, or of a fragment that one includes. Between two
// marks stand the records that postseal wrote; everything else is somebody else's and
// stays as it is, octet by octet.
//
//	; BEGIN postseal 2026112202 4f0c31a9d2b7e680  (postseal writes the lines up to END; …)
//	s1._domainkey.example.com. 3600 IN TXT "v=DKIM1; k=rsa; p=MIIB…" "…"
//	; END postseal
//
// The first mark has the serial that went with them and a sum over the lines, by which
// a change by somebody else is noticed.
type File struct {
	Zone   string
	Serial uint32 // that was written last; 0 if there are no marks

	before, after string
	ours          []Record // between the marks
	others        map[string][]Record
}

const (
	beginMark = "; BEGIN postseal "
	endMark   = "; END postseal"
	markNote  = "  (postseal writes the lines up to END; a change there stops it)"
)

// ErrTouched says that somebody changed the lines between the marks.
var ErrTouched = errors.New("somebody changed the lines that postseal writes, between `; BEGIN postseal` and `; END postseal`: " +
	"put what is yours outside of them and delete both marks with what is between; postseal writes its lines anew")

// ReadFile reads the text of a zone's file. Other files that it includes are not seen.
func ReadFile(text, zone string) (*File, error) {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n" // its last line ends, whatever comes to stand below it
	}
	f := &File{Zone: zone, before: text, others: map[string][]Record{}}
	start, stop, err := marks(text)
	if err != nil {
		return nil, err
	}
	if start >= 0 {
		f.before = text[:start]
		if err := f.readBlock(text[start:stop]); err != nil {
			return nil, err
		}
		f.after = text[stop:]
		if continues(f.after) {
			return nil, errors.New("the line after `; END postseal` begins with a blank, and so continues a record of postseal: give it a name of its own")
		}
	}
	surroundings := f.before + strings.Repeat("\n", strings.Count(text, "\n")-strings.Count(f.before+f.after, "\n")) + f.after // lines keep their numbers
	records, err := parse(withoutIncludes(surroundings)+"\n", zone)                                                            // a last line that is not complete must not get on with ours
	for _, r := range records {
		f.others[r.Name] = append(f.others[r.Name], r)
	}
	return f, err
}

// continues tells whether the first record of a text leaves its name to the one before:
// comments and directives do not end that (RFC 1035 section 5.1).
func continues(text string) bool {
	s := scanner{text: text}
	for words := s.entry(); words != nil; words = s.entry() {
		first := words[0]
		if !first.startsLine || text[first.start] != '$' {
			return !first.startsLine
		}
	}
	return false
}

// marks finds the block: from its first mark to behind the last; -1 without one.
func marks(text string) (start, stop int, err error) {
	start, stop = -1, -1
	at := 0
	for line := range strings.Lines(text) {
		switch bare := strings.TrimRight(line, "\r\n"); {
		case strings.HasPrefix(bare, beginMark):
			if start >= 0 {
				return 0, 0, errors.New("`; BEGIN postseal` stands there twice: " + ErrTouched.Error())
			}
			start = at
		case bare == endMark:
			if start < 0 || stop >= 0 {
				return 0, 0, errors.New("`; END postseal` stands there without its beginning: " + ErrTouched.Error())
			}
			stop = at + len(line)
		}
		at += len(line)
	}
	if start >= 0 && stop < 0 {
		return 0, 0, errors.New("`; END postseal` is not there: " + ErrTouched.Error())
	}
	return start, stop, nil
}

// readBlock reads our own lines.
func (f *File) readBlock(block string) error {
	head, body, _ := strings.Cut(block, "\n")
	body = body[:strings.LastIndex(body, endMark)]
	words := strings.Fields(strings.TrimPrefix(head, beginMark))
	if len(words) < 2 || words[1] != sum(body) {
		return ErrTouched
	}
	serial, err := strconv.ParseUint(words[0], 10, 32)
	if err != nil {
		return ErrTouched
	}
	f.Serial = uint32(serial)
	f.ours, err = parse(body, f.Zone)
	return err
}

func sum(body string) string {
	all := sha256.Sum256([]byte(body))
	return hex.EncodeToString(all[:8])
}

// withoutIncludes blanks lines that name other files: where these are is the server's
// affair.
func withoutIncludes(text string) string {
	if !strings.Contains(strings.ToUpper(text), "$INCLUDE") {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		if len(line) >= 8 && strings.EqualFold(line[:8], "$INCLUDE") {
			line = "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

// maxRecords bounds what one file may come to.
const maxRecords = 2_000_000

func parse(text, zone string) ([]Record, error) {
	p := wire.NewZoneParser(strings.NewReader(text), wire.Fqdn(zone), "")
	p.SetDefaultTTL(3600)
	var all []Record
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		if len(all) == maxRecords {
			return nil, fmt.Errorf("more than %d records", maxRecords)
		}
		all = append(all, recordOf(rr))
	}
	if err := p.Err(); err != nil {
		return nil, fmt.Errorf("cannot be read as a zone file: %s", strings.TrimPrefix(err.Error(), "dns: "))
	}
	return all, nil
}

// At gives all records at a name, ours and others'.
func (f *File) At(name string) []Record {
	all := slices.Clone(f.others[name])
	for _, r := range f.ours {
		if r.Name == name {
			all = append(all, r)
		}
	}
	return all
}

// Ours tells whether the records of a name and type stand between the marks, all of them.
func (f *File) Ours(name, kind string) bool {
	return !slices.ContainsFunc(f.others[name], func(r Record) bool { return r.Type == kind })
}

// HoldsOnly tells whether nothing stands between the marks but at some names; true where
// there are no marks.
func (f *File) HoldsOnly(names map[string]bool) bool {
	return !slices.ContainsFunc(f.ours, func(r Record) bool { return !names[r.Name] })
}

// Put makes a record the only one of its name and type between the marks.
func (f *File) Put(r Record) {
	f.Drop(r.Name, r.Type)
	f.ours = append(f.ours, r)
}

// Drop removes the records of a name and type from between the marks.
func (f *File) Drop(name, kind string) {
	f.ours = slices.DeleteFunc(f.ours, func(r Record) bool { return r.Name == name && r.Type == kind })
}

// Text writes the file, with the serial that goes with it in the mark. The marks stand at
// the end of a file that has none yet.
func (f *File) Text(serial uint32) string {
	var body strings.Builder
	slices.SortFunc(f.ours, func(a, b Record) int {
		return strings.Compare(a.Name+" "+a.Type, b.Name+" "+b.Type)
	})
	for _, r := range f.ours {
		body.WriteString(r.line())
	}
	return f.before + fmt.Sprintf("%s%d %s%s\n", beginMark, serial, sum(body.String()), markNote) + body.String() + endMark + "\n" + f.after
}

// line is a record with everything that a line of a zone file may leave out.
func (r *Record) line() string {
	value := wire.Fqdn(r.Value)
	if r.Type == "TXT" {
		value = `"` + strings.Join(escaped(r.Value), `" "`) + `"`
	}
	return fmt.Sprintf("%s %d IN %s %s\n", wire.Fqdn(r.Name), r.TTL, r.Type, value)
}
