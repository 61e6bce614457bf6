package dkim

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// header parses lines that are given with LF.
func header(t testing.TB, lines string) *Fields {
	t.Helper()
	f, _, err := ParseFields([]byte(strings.ReplaceAll(lines, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFieldsAdd(t *testing.T) {
	tests := []struct{ test, name, value, raw string }{
		{"plain", "Subject", " hello", "Subject: hello"},
		{"no blank", "Subject", "hello", "Subject:hello"},
		{"empty", "Subject", "", "Subject:"},
		{"LF fold", "Subject", " a\n b\n\tc", "Subject: a\r\n b\r\n\tc"},
		{"CRLF fold", "Subject", " a\r\n b", "Subject: a\r\n b"},
		{"mixed folds", "Subject", "\n a\r\n b\n c", "Subject:\r\n a\r\n b\r\n c"},
		{"blanks", "Subject", "\t a \t", "Subject:\t a \t"},
		{"8 bit", "Subject", " \xff\x00", "Subject: \xff\x00"},
		{"bare CR", "Subject", " a\rb", "Subject: a\rb"},
	}
	var f Fields
	for i, tt := range tests {
		f.Add([]byte(tt.name), []byte(tt.value))
		t.Run(tt.test, func(t *testing.T) {
			if got := string(f.Raw(i)); got != tt.raw {
				t.Errorf("Raw = %q, want %q", got, tt.raw)
			}
			if string(f.Name(i)) != tt.name || string(f.Name(i))+":"+string(f.Value(i)) != tt.raw {
				t.Errorf("Name = %q, Value = %q", f.Name(i), f.Value(i))
			}
		})
	}
	size := 0
	for _, tt := range tests {
		size += len(tt.raw) + 2
	}
	if f.Len() != len(tests) || f.Bytes() != size {
		t.Errorf("Len %d, Bytes %d; want %d, %d", f.Len(), f.Bytes(), len(tests), size)
	}
	f.Reset()
	if f.Len() != 0 || f.Bytes() != 0 {
		t.Error("Reset left something")
	}
}

func TestFieldsAddDoesNotAllocate(t *testing.T) {
	var f Fields
	name, value := []byte("Subject"), []byte(" a\n b")
	allocs := testing.AllocsPerRun(100, func() {
		f.Reset()
		for range 50 {
			f.Add(name, value)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestFromBottom(t *testing.T) {
	f := header(t, "A: 1\nb: 2\na : 3\nA\t: 4\nAA: 5\n")
	if got := slices.Collect(f.FromBottom("a")); !slices.Equal(got, []int{3, 2, 0}) {
		t.Errorf("FromBottom = %v", got)
	}
	for i := range f.FromBottom("A") {
		if i != 3 {
			t.Fatalf("went on after break, to %d", i)
		}
		break
	}
	if f.Count("A") != 3 || f.Count("") != 0 || f.Count("C") != 0 {
		t.Errorf("Count: %d, %d, %d", f.Count("A"), f.Count(""), f.Count("C"))
	}
}

// Names are compared in ASCII: the Kelvin sign is no k, and @ is not the other case of a backquote.
func TestNamesCompareAsASCII(t *testing.T) {
	var f Fields
	f.Add([]byte("K"), nil)
	f.Add([]byte("\u212a"), nil)
	f.Add([]byte("@"), nil)
	if f.Count("k") != 1 || f.Count("`") != 0 {
		t.Errorf("Count: %d, %d", f.Count("k"), f.Count("`"))
	}
}

// VF-11: repeated names take instances bottom up, and nothing when they run out.
func TestInstances(t *testing.T) {
	f := header(t, "Received: 0\nReceived: 1\nFrom: 2\nTo: 3\nreceived: 4\n")
	tests := []struct {
		h    string
		want []int
	}{
		{"From", []int{2}},
		{"From:from:FROM:Received:RECEIVED", []int{2, 4, 1}},
		{"Received:Received:Received:Received", []int{4, 1, 0}},
		{"Subject:To", []int{3}},
		{"Subject", nil},
	}
	for _, tt := range tests {
		if got := f.Instances(nil, strings.Split(tt.h, ":")); !slices.Equal(got, tt.want) {
			t.Errorf("h=%s: %v, want %v", tt.h, got, tt.want)
		}
	}
}

func TestParseFields(t *testing.T) {
	tests := []struct {
		name, message string
		raw           []string
		body          string
	}{
		{"header and body", "A: 1\r\nB: 2\r\n\r\nbody\r\n", []string{"A: 1", "B: 2"}, "body\r\n"},
		{"folds", "A: 1\r\n 2\r\n\t3\r\nB:\r\n 4\r\n\r\n", []string{"A: 1\r\n 2\r\n\t3", "B:\r\n 4"}, ""},
		{"no body", "A: 1\r\n", []string{"A: 1"}, ""},
		{"no final CRLF", "A: 1\r\nB: 2", []string{"A: 1", "B: 2"}, ""},
		{"body only", "\r\nbody", nil, "body"},
		{"nothing", "", nil, ""},
		{"body begins with an empty line", "A: 1\r\n\r\n\r\nx", []string{"A: 1"}, "\r\nx"},
		{"a line of blanks is a fold", "A: 1\r\n \r\nB: 2\r\n\r\n", []string{"A: 1\r\n ", "B: 2"}, ""},
		{"bare LF is data", "A: 1\nB: 2\r\n\r\n", []string{"A: 1\nB: 2"}, ""},
		{"blanks before the colon", "A \t: 1\r\n\r\n", []string{"A \t: 1"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, body, err := ParseFields([]byte(tt.message))
			if err != nil {
				t.Fatal(err)
			}
			var raw []string
			for i := range f.Len() {
				raw = append(raw, string(f.Raw(i)))
			}
			if !slices.Equal(raw, tt.raw) || tt.message[body:] != tt.body {
				t.Errorf("fields %q, body %q", raw, tt.message[body:])
			}
		})
	}
}

func TestParseFieldsRefuses(t *testing.T) {
	for message, says := range map[string]string{
		" folded: first\r\n":                "line 1",
		"A: 1\r\nno header field\r\n\r\n":   "line 2: no colon",
		"A: 1\r\n 2\r\n: x\r\n":             "line 3",
		"From someone Mon Jul 11 21:00\r\n": "line 1",
		"\xc3\x84: 1\r\n":                   "line 1",
	} {
		if _, _, err := ParseFields([]byte(message)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: error %v, want %q", message, err, says)
		}
	}
}

func FuzzParseFields(f *testing.F) {
	f.Add([]byte("A: 1\r\n 2\r\nB : 3\r\n\r\nbody"))
	f.Add([]byte("A:\r\n\r\n"))
	f.Add([]byte("A: 1\nB: 2"))
	f.Fuzz(func(t *testing.T, message []byte) {
		fields, body, err := ParseFields(message)
		if err != nil {
			return
		}
		var again []byte
		for i := range fields.Len() {
			again = append(append(again, fields.Raw(i)...), "\r\n"...)
			if !validName(fields.Name(i)) || !bytes.HasSuffix(fields.Raw(i), append([]byte(":"), fields.Value(i)...)) {
				t.Fatalf("Name %q, Value %q of %q", fields.Name(i), fields.Value(i), fields.Raw(i))
			}
		}
		if len(again) != fields.Bytes() {
			t.Fatalf("Bytes = %d, want %d", fields.Bytes(), len(again))
		}
		if head := message[:body]; !bytes.Equal(again, head) && !bytes.Equal(append(again, "\r\n"...), head) && !bytes.Equal(again, append(head, "\r\n"...)) {
			t.Fatalf("%q came back as %q", head, again)
		}
	})
}
