package update

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrNoSOA says that a text has no SOA record: it is a fragment of a zone.
var ErrNoSOA = errors.New("there is no SOA record")

// Serial finds the serial of the zone in the text of its file.
func Serial(text string) (uint32, error) {
	at, end, err := findSerial(text)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(text[at:end], 10, 32)
	if err != nil {
		return 0, fmt.Errorf("the serial of the SOA record is %q, which is no number of 32 bits", text[at:end])
	}
	return uint32(n), nil
}

// WithSerial writes another serial into the text of a zone's file and changes nothing
// else.
func WithSerial(text string, serial uint32) (string, error) {
	at, end, err := findSerial(text)
	if err != nil {
		return "", err
	}
	return text[:at] + strconv.FormatUint(uint64(serial), 10) + text[end:], nil
}

// NextSerial comes after the serial of the file and after the one that was written last,
// by the arithmetic of RFC 1982: a person may have set the first forth or back. A serial
// that is a date stays one.
func NextSerial(file, last uint32, now time.Time) uint32 {
	next := file + 1
	if after(last, file) {
		next = last + 1
	}
	year, month, day := now.UTC().Date()
	today := uint32(year)*1_000_000 + uint32(month)*10_000 + uint32(day)*100
	if isDated(file) && after(today, next) {
		next = today + 1
	}
	if next == 0 { // some servers take 0 for "none"
		next = 1
	}
	return next
}

// after: a is later than b (RFC 1982 section 3.2).
func after(a, b uint32) bool { return a != b && a-b < 1<<31 }

// isDated: YYYYMMDDnn.
func isDated(serial uint32) bool {
	month, day := serial/10_000%100, serial/100%100
	return serial/1_000_000 >= 1980 && serial/1_000_000 < 2200 && month >= 1 && month <= 12 && day >= 1 && day <= 31
}

// findSerial gives the place of the serial's digits: the third word after SOA
// (RFC 1035 section 3.3.13).
func findSerial(text string) (start, end int, err error) {
	s := scanner{text: text}
	for {
		words := s.entry()
		if words == nil {
			return 0, 0, ErrNoSOA
		}
		i := typeAt(text, words)
		if i < 0 || !strings.EqualFold(text[words[i].start:words[i].end], "SOA") {
			continue
		}
		if len(words) < i+4 {
			return 0, 0, errors.New("the SOA record is not complete")
		}
		return words[i+3].start, words[i+3].end, nil
	}
}

// typeAt is which word of an entry is the type of its record: the first after owner, TTL and
// class; -1 where there is none.
func typeAt(text string, words []word) int {
	for i, w := range words {
		first := i == 0 && w.startsLine // the owner, or a directive
		switch value := strings.ToUpper(text[w.start:w.end]); {
		case first && strings.HasPrefix(value, "$"):
			return -1
		case first, value == "", value == "IN", value[0] >= '0' && value[0] <= '9':
		default:
			return i
		}
	}
	return -1
}

// word is a word of a zone file, by its place.
type word struct {
	start, end int
	startsLine bool
}

// scanner parts a zone file into entries and those into words: it knows comments,
// quotes, backslashes and parentheses (RFC 1035 section 5.1).
type scanner struct {
	text string
	at   int
}

// entry gives the words of the next entry that has any, nil at the end.
func (s *scanner) entry() []word {
	var words []word
	depth := 0
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case '\n':
			s.at++
			if depth <= 0 && len(words) > 0 {
				return words
			}
		case ' ', '\t', '\r':
			s.at++
		case ';':
			for s.at < len(s.text) && s.text[s.at] != '\n' {
				s.at++
			}
		case '(':
			depth++
			s.at++
		case ')':
			depth--
			s.at++
		default:
			words = append(words, s.word())
		}
	}
	return words
}

func (s *scanner) word() word {
	w := word{start: s.at, startsLine: s.at == 0 || s.text[s.at-1] == '\n'}
	quoted := false
	for ; s.at < len(s.text); s.at++ {
		c := s.text[s.at]
		switch {
		case c == '\\':
			s.at++
		case c == '"':
			quoted = !quoted
		case c == '\n', !quoted && strings.IndexByte(" \t\r;()", c) >= 0:
			w.end = s.at
			return w
		}
	}
	s.at = min(s.at, len(s.text))
	w.end = s.at
	return w
}
