package keytable

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// hoster has n domains, each with a key file of its own directory; the files are
// one and the same key, as only their names matter here.
func hoster(b *testing.B, n int) (s site, o Options) {
	b.Helper()
	s = newSite(b)
	var keys, signing strings.Builder
	for i := range n {
		fmt.Fprintf(&keys, "customer%d customer%d.example:s2026:%s/keys/%d/customer%d.example.pem\n", i, i, s.dir, i%100, i)
		fmt.Fprintf(&signing, "*@customer%d.example customer%d\n", i, i)
		s.write(fmt.Sprintf("keys/%d/customer%d.example.pem", i%100, i), pemOf(ed1()))
	}
	s.write("keytable", keys.String())
	s.write("signingtable", signing.String())
	return s, Options{KeyTable: s.path("keytable"), SigningTable: "refile:" + s.path("signingtable")}
}

func BenchmarkLoad100000(b *testing.B) {
	_, o := hoster(b, 100_000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var tables *Tables
	for b.Loop() {
		var err error
		if tables, err = Load(o); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB-kept")
	if p := tables.Problems(); len(p) > 0 {
		b.Fatal(p[0])
	}
}

func BenchmarkReload100000(b *testing.B) {
	_, o := hoster(b, 100_000)
	for b.Loop() {
		tables, err := Load(o)
		if err != nil {
			b.Fatal(err)
		}
		o.Prev = tables
	}
}

func BenchmarkFind(b *testing.B) {
	for _, n := range []int{10, 100_000} {
		_, o := hoster(b, n)
		tables, err := Load(o)
		if err != nil {
			b.Fatal(err)
		}
		q := Query{Sender: address(b, fmt.Sprintf("bob@customer%d.example", n/2))}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if m := tables.Find(q); len(m) != 1 || len(m[0].Keys) != 1 {
					b.Fatal(m)
				}
			}
		})
		b.Run(fmt.Sprintf("%d/key", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tables.Find(q)[0].Keys[0].Private(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
