package miltertest

import (
	"strings"
	"testing"
)

func TestApply(t *testing.T) {
	const message = "Received: other\nA: 1\nB: 2\n folded\na: 3\n\nbody\n"
	insert := func(at int, value string) Modification {
		return Modification{Kind: 'i', Index: at, Name: "X", Value: value}
	}
	change := func(n int, name, value string) Modification {
		return Modification{Kind: 'm', Index: n, Name: name, Value: value}
	}
	for _, test := range []struct {
		name string
		mods []Modification
		want string // header, without the body
	}{
		{"nothing", nil, "Received: other\nA: 1\nB: 2\n folded\na: 3\n"},
		{"insert above and below the MTA's own Received", []Modification{insert(1, "one"), insert(0, "zero")}, "X: zero\nX: one\nReceived: other\nA: 1\nB: 2\n folded\na: 3\n"},
		{"insert below the first field", []Modification{insert(2, "two")}, "Received: other\nX: two\nA: 1\nB: 2\n folded\na: 3\n"},
		{"insert far down", []Modification{insert(99, "x")}, "Received: other\nA: 1\nB: 2\n folded\na: 3\nX: x\n"},
		{"add", []Modification{{Kind: 'h', Name: "X", Value: "y\n\tz"}}, "Received: other\nA: 1\nB: 2\n folded\na: 3\nX: y\n\tz\n"},
		{"verbatim", []Modification{{Kind: 'h', Name: "X", Value: "y", Verbatim: true}, {Kind: 'h', Name: "X", Value: " z", Verbatim: true}}, "Received: other\nA: 1\nB: 2\n folded\na: 3\nX:y\nX: z\n"},
		{"change the second, whatever its case", []Modification{change(2, "A", "x")}, "Received: other\nA: 1\nB: 2\n folded\na: x\n"},
		{"index 0 is 1", []Modification{change(0, "A", "x")}, "Received: other\nA: x\nB: 2\n folded\na: 3\n"},
		{"the MTA's own Received does not count", []Modification{change(1, "Received", "x")}, "Received: x\nA: 1\nB: 2\n folded\na: 3\n"},
		{"delete", []Modification{change(1, "b", "")}, "Received: other\nA: 1\na: 3\n"},
		{"delete from the last up", []Modification{change(2, "A", ""), change(1, "A", "")}, "Received: other\nB: 2\n folded\n"},
		{"delete from the first down misses", []Modification{change(1, "A", ""), change(2, "A", "")}, "Received: other\nB: 2\n folded\na: 3\n"},
		{"delete what is not there", []Modification{change(3, "A", "")}, "Received: other\nA: 1\nB: 2\n folded\na: 3\n"},
		{"change what is not there", []Modification{change(3, "A", "x")}, "Received: other\nA: 1\nB: 2\n folded\na: 3\nA: x\n"},
		{"quarantine", []Modification{{Kind: 'q', Value: "x"}}, "Received: other\nA: 1\nB: 2\n folded\na: 3\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := strings.ReplaceAll(test.want+"\nbody\n", "\n", "\r\n")
			for _, raw := range []string{message, strings.ReplaceAll(message, "\n", "\r\n")} {
				if got := string(Apply([]byte(raw), test.mods)); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			}
		})
	}
}

func TestSplit(t *testing.T) {
	for _, test := range []struct{ name, raw, fields, body string }{
		{"ordinary", "A: b\r\nC:d\r\n\r\nx\r\n", "A=\" b\" C=\"d\"", "x\r\n"},
		{"no body", "A: b\n", "A=\" b\"", ""},
		{"empty body", "A: b\n\n", "A=\" b\"", ""},
		{"no final line end", "A: b\n\nx", "A=\" b\"", "x\r\n"},
		{"blank before the colon", "A \t: b\n\n", "A=\" b\"", ""},
		{"folds", "A: b\n c\n\td\n\n", "A=\" b\\n c\\n\\td\"", ""},
		{"no empty line", "A: b\nhello\n", "A=\" b\"", "hello\r\n"},
		{"no header", "\nhello\n", "", "hello\r\n"},
		{"fold without field", " x\n", "", " x\r\n"},
		{"nothing", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			fields, body := split([]byte(test.raw))
			var list []string
			for _, f := range fields {
				list = append(list, f.name+"="+quote(f.value))
			}
			if got := strings.Join(list, " "); got != test.fields || string(body) != test.body {
				t.Errorf("got %s and %q, want %s and %q", got, body, test.fields, test.body)
			}
		})
	}
}

func quote(s string) string {
	return `"` + strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(s) + `"`
}
