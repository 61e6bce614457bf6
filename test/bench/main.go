// Command bench measures the speeds that postseal promises, on this machine,
// and compares each with its target: make bench-check. It is no part of CI,
// where other work on the machine would decide the verdict.
//
// Ratios are taken within one run, round by round, and the median counts. The
// daemon runs as a process of its own, with logging on, and its CPU time is
// read from /proc.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
)

func main() {
	binary := flag.String("postseal", "bin/postseal", "the program to measure")
	only := flag.String("only", "", "measure this part alone: canonicalization, verification, daemon, hoster or managed")
	flag.Parse()
	fmt.Printf("%s, %d cores, %s\n\n", cpuModel(), runtime.NumCPU(), runtime.Version())
	fmt.Println("| what | target | measured | verdict |")
	fmt.Println("|---|---|---|---|")
	r := new(report)
	for _, part := range []struct {
		name    string
		measure func() error
	}{
		{"canonicalization", func() error { r.canonicalization(); return nil }},
		{"verification", r.verification},
		{"daemon", func() error { return r.daemon(*binary) }},
		{"hoster", func() error { return r.hoster(*binary) }},
		{"managed", func() error { return r.managed(*binary) }},
	} {
		if *only != "" && *only != part.name {
			continue
		}
		if err := part.measure(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
	if r.missed {
		os.Exit(1)
	}
}

// report prints a line for each speed.
type report struct{ missed bool }

func (r *report) line(what, target, measured string, holds bool) {
	verdict := "holds"
	if !holds {
		verdict, r.missed = "**missed**", true
	}
	fmt.Printf("| %s | %s | %s | %s |\n", what, target, measured, verdict)
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
