package receive

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/faultydns"
)

// maxMemory is what hostile mail may make of the daemon, at most.
const maxMemory = 100 << 10 // KiB

var overLimit = verdict{result: "policy", reason: "limit"}

// Hostile mail gets a defined verdict, and it flows; the daemon stays small and well.
func TestHostileMailGetsAVerdictInBoundedMemory(t *testing.T) {
	s := begin(t, setup{})
	for _, c := range []struct {
		name  string
		msg   []byte
		wants []verdict
	}{
		{"10,000 header fields", strangersKey.sign(added(letter("a@plain.test"), filler(10000)), "plain.test", "good"), []verdict{overLimit}},
		{"a field of 1 MB, which Postfix cuts", strangersKey.sign(added(letter("a@plain.test"), long(1<<20)), "plain.test", "good"), []verdict{passes("plain.test", "good")}},
		{"30 fields of 50 KB", strangersKey.sign(added(letter("a@plain.test"), strings.Join(slices.Repeat([]string{long(50 << 10)}, 30), "\r\n")), "plain.test", "good"), []verdict{overLimit}},
		{"50 signatures", signedTimes(50), slices.Concat(
			slices.Repeat([]verdict{passes("plain.test", "good")}, 10),
			slices.Repeat([]verdict{{"policy", "limit", "plain.test", "good"}}, 40),
		)},
		{"a body of 100 MB", strangersKey.sign(append(letter("a@plain.test"), lines(100<<20)...), "plain.test", "good"), []verdict{passes("plain.test", "good")}},
		{"no header at all", []byte("\r\nnothing but a body\r\n"), []verdict{unsigned}},
		{"a header that is none", []byte("this is\r\nno header: at all\r\n\r\nand no body\r\n"), []verdict{unsigned}},
		{"a signature that is none", added(letter("a@plain.test"), "DKIM-Signature: ;;=;"), []verdict{{result: "neutral", reason: "signature-syntax"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			d := s.receive(c.msg)
			s.reported(d, c.wants...)
			s.logged(d, c.wants...)
		})
	}
	s.says(s.receive(signedFor("plain.test", "good")), passes("plain.test", "good"))
	peak := s.peakMemory()
	if peak > maxMemory {
		t.Errorf("the daemon took %d KiB, want at most %d", peak, maxMemory)
	}
	t.Logf("the daemon took %d KiB", peak)
}

// The keys of 20 signatures cannot be had: ten are asked for at the same time, the others not at all.
func TestSignaturesWhoseKeysNeverComeWaitTogether(t *testing.T) {
	const domain = faultydns.Silent + ".fault.test"
	s := begin(t, setup{more: fmt.Sprintf("[dns]\nnameservers = [%q]\ntimeout = \"2s\"", faultyAddress)})
	msg := letter("a@" + domain)
	var wants []verdict
	for i := range 20 {
		selector := fmt.Sprintf("s%d", i)
		msg = strangersKey.sign(msg, domain, selector)
		want := verdict{"temperror", "dns-timeout", domain, selector}
		if i < 10 { // the topmost ten are evaluated, those made last
			want = verdict{"policy", "limit", domain, selector}
		}
		wants = append([]verdict{want}, wants...)
	}
	before := faults.Asked()
	d := s.receive(msg)
	s.reported(d, wants...)
	s.logged(d, wants...)

	names := 0
	for name, questions := range faults.Asked() {
		if questions -= before[name]; questions > 0 {
			names++
			if questions > 2 { // two attempts fit into 2 s
				t.Errorf("%s was asked for %d times", name, questions)
			}
		}
	}
	if names != 10 {
		t.Errorf("%d names were asked for, want 10", names)
	}
}

// filler is n fields.
func filler(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "X-Filler-%d: %d\r\n", i, i)
	}
	return strings.TrimSuffix(b.String(), "\r\n")
}

// long is a field of so many bytes, in many lines.
func long(size int) string {
	return "X-Long: " + strings.Repeat(strings.Repeat("x", 900)+"\r\n ", size/903) + "end"
}

// lines is a body of so many bytes.
func lines(size int) []byte {
	return bytes.Repeat([]byte("The quick brown fox jumps over the lazy dog, again and again.\r\n"), size/63)
}

func signedTimes(n int) []byte {
	msg := letter("a@plain.test")
	for range n {
		msg = strangersKey.sign(msg, "plain.test", "good")
	}
	return msg
}

// peakMemory is VmHWM of the daemon in KiB: the most that it ever had in memory.
func (s *story) peakMemory() int {
	s.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	s.Must(err)
	for _, file := range processes {
		if cmdline, err := os.ReadFile(file); err != nil || !bytes.Contains(cmdline, []byte("serve\x00--config\x00"+s.daemon.Config)) {
			continue
		}
		status, err := os.ReadFile(filepath.Join(filepath.Dir(file), "status"))
		s.Must(err)
		_, after, _ := strings.Cut(string(status), "VmHWM:")
		peak, err := strconv.Atoi(strings.Fields(after)[0])
		s.Must(err)
		return peak
	}
	s.Fatal("the daemon is not among the processes")
	return 0
}
