package canon

import "testing"

func TestParsePair(t *testing.T) {
	tests := []struct{ in, want string }{
		{"simple", "simple/simple"},
		{"relaxed", "relaxed/simple"},
		{"relaxed/relaxed", "relaxed/relaxed"},
		{"simple/relaxed", "simple/relaxed"},
		{"Relaxed/SIMPLE", "relaxed/simple"},
	}
	for _, tt := range tests {
		if p, err := ParsePair(tt.in); err != nil || p.String() != tt.want {
			t.Errorf("ParsePair(%q) = %v, %v; want %s", tt.in, p, err, tt.want)
		}
	}
	for _, bad := range []string{"", "/", "relaxed/", "/simple", "nofws", "relaxed/relaxed/simple", " simple"} {
		if p, err := ParsePair(bad); err == nil {
			t.Errorf("ParsePair(%q) = %v, want an error", bad, p)
		}
	}
}

func TestZeroPairIsTheDefaultOfRFC6376(t *testing.T) {
	if got := (Pair{}).String(); got != "simple/simple" {
		t.Errorf("Pair{} is %s", got)
	}
}
