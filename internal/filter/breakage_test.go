package filter

import (
	"slices"
	"strings"
	"testing"
)

func TestBodyWatch(t *testing.T) {
	line := func(n int) string { return strings.Repeat("x", n) }
	for name, c := range map[string]struct {
		body string
		want []string
	}{
		"empty":                        {"", nil},
		"plain":                        {"Hello\r\nWorld\r\n", nil},
		"one octet of eight bits":      {line(100) + "\r\n" + line(37) + "\xe9\r\n", []string{warnEightBit}},
		"NUL and DEL are seven bits":   {"\x00\x7f\r\n", nil},
		"998 octets":                   {line(998) + "\r\n" + line(998) + "\r\n", nil},
		"998 octets without line end":  {line(998), nil},
		"999 octets":                   {"a\r\n" + line(999) + "\r\nb\r\n", []string{warnLongLine}},
		"999 octets, last":             {"a\r\n" + line(999) + "\r\n", []string{warnLongLine}},
		"999 octets without line end":  {line(999), []string{warnLongLine}},
		"1000 octets without line end": {line(1000), []string{warnLongLine}},
		"both":                         {"\xff\r\n" + line(2000) + "\r\n", []string{warnEightBit, warnLongLine}},
		"many short lines":             {strings.Repeat(line(72)+"\r\n", 100), nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{1, 2, 7, 500, 998, 999, 1000, 1001, 65535} {
				w := bodyWatch{limit: postfixLine}
				for chunk := range slices.Chunk([]byte(c.body), size) {
					w.write(chunk)
				}
				if got := w.warnings(); !slices.Equal(got, c.want) {
					t.Errorf("chunks of %d: got %v, want %v", size, got, c.want)
				}
			}
		})
	}
}
