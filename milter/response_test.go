package milter

import (
	"strings"
	"testing"
)

func TestReply(t *testing.T) {
	for _, test := range []struct {
		name           string
		code           int
		enhanced, text string
		wire           string // of the packet's data; "" for an error
	}{
		{"plain", 550, "5.7.1", "no", "550 5.7.1 no\x00"},
		{"temporary", 451, "4.7.5", "later", "451 4.7.5 later\x00"},
		{"no enhanced status", 550, "", "no", "550 no\x00"},
		{"percent", 550, "5.7.1", "100% sure", "550 5.7.1 100%% sure\x00"},
		{"long detail", 550, "5.123.456", "no", "550 5.123.456 no\x00"},
		{"other class", 550, "4.7.1", "no", ""},
		{"other class", 450, "5.7.1", "no", ""},
		{"positive", 250, "2.0.0", "ok", ""},
		{"no such code", 600, "", "no", ""},
		{"negative", -1, "", "no", ""},
		{"two parts", 550, "5.7", "no", ""},
		{"letters", 550, "5.7.x", "no", ""},
		{"long class", 550, "55.7.1", "no", ""},
		{"long subject", 550, "5.1234.1", "no", ""},
		{"empty part", 550, "5..1", "no", ""},
		{"no text", 550, "5.7.1", "", ""},
		{"CR", 550, "5.7.1", "a\rb", ""},
		{"LF", 550, "5.7.1", "a\nb", ""},
		{"NUL", 550, "5.7.1", "a\x00b", ""},
		{"escape", 550, "5.7.1", "a\x1bb", ""},
		{"longest", 550, "", strings.Repeat("x", 506), "550 " + strings.Repeat("x", 506) + "\x00"},
		{"too long", 550, "", strings.Repeat("x", 507), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := Reply(test.code, test.enhanced, test.text)
			if (err == nil) != (test.wire != "") {
				t.Fatalf("error %v, want wire form %q", err, test.wire)
			}
			if err != nil {
				if r != Continue {
					t.Errorf("response %v with error %v", r, err)
				}
				return
			}
			if got := string(r.appendTo(nil)[5:]); got != test.wire {
				t.Errorf("got %q, want %q", got, test.wire)
			}
			if !r.settles() || !r.refuses() {
				t.Error("a Reply must settle and refuse")
			}
		})
	}
	r, _ := Reply(550, "5.7.1", "100% no")
	if again, _ := Reply(550, "5.7.1", "100% no"); r != again || r.String() != "550 5.7.1 100% no" {
		t.Errorf("%v and %v differ", r, again)
	}
}
