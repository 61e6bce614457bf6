package dkim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestIndexInstances(t *testing.T) {
	f := header(t, "Received: 0\nDKIM-Signature: 1\nDKIM-Signature: 2\nFrom: 3\nreceived: 4\nDKIM-SIGNATURE: 5\n")
	tests := []struct {
		name, h string
		skip    int
		want    []int
	}{
		{"VF-11/bottom up", "From:from:Received:RECEIVED:Received", -1, []int{3, 4, 0}},
		{"VF-11/absent", "Subject:To", -1, nil},
		{"VF-12/others", "dkim-signature:DKIM-Signature:dkim-signature", -1, []int{5, 2, 1}},
		{"VF-12/itself in the middle", "dkim-signature:DKIM-Signature:dkim-signature", 2, []int{5, 1}},
		{"VF-12/itself below", "dkim-signature", 5, []int{2}},
		{"VF-12/itself on top", "dkim-signature:dkim-signature:dkim-signature:from", 1, []int{5, 2, 3}},
	}
	var x Index
	x.Reset(header(t, "A: 1\nFrom: 2\nFrom: 3\n")) // of another message
	x.Reset(f)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			names := strings.Split(tt.h, ":")
			if got := x.Instances(nil, names, tt.skip); !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
			if tt.skip < 0 && !slices.Equal(f.Instances(nil, names), tt.want) {
				t.Errorf("Fields.Instances differs: %v", f.Instances(nil, names))
			}
		})
	}
	if x.Count("RECEIVED") != 2 || x.Count("dkim-signature") != 3 || x.Count("A") != 0 {
		t.Errorf("Count: %d, %d, %d", x.Count("RECEIVED"), x.Count("dkim-signature"), x.Count("A"))
	}
	var empty Index
	if empty.Count("From") != 0 || empty.Instances(nil, []string{"From"}, -1) != nil {
		t.Error("the zero value is not empty")
	}
}

// BenchmarkIndexFlood is the work on 5000 fields and 1000 names, once for the index and once for a signature.
func BenchmarkIndexFlood(b *testing.B) {
	var f Fields
	for i := range 5000 {
		f.Add(fmt.Appendf(nil, "Received-%d", i%100), []byte(" x"))
	}
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("Received-%d", i)
	}
	var x Index
	var dst []int
	b.ReportAllocs()
	for b.Loop() {
		x.Reset(&f)
		dst = x.Instances(dst[:0], names, -1)
	}
}
