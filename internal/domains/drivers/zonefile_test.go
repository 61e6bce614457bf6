package drivers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

const (
	zone     = "example.com"
	leaf     = "s1._domainkey.example.com"
	wholeOne = "@ 300 IN SOA ns1 hostmaster 2026112104 3600 600 86400 300\n@ 300 IN NS ns1\nns1 300 IN A 192.0.2.1\n"
)

// noon is when all tests take place.
func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func change(value string, ours ...string) domains.DNSChange {
	return domains.DNSChange{DNSRecord: domains.DNSRecord{Zone: zone, Name: leaf, Type: "TXT", Value: value, TTL: 3600}, Ours: ours}
}

// file is a driver for a zone file with a text, and a reload that counts its runs.
func file(t *testing.T, text string) (*ZoneFile, func() int) {
	t.Helper()
	dir := t.TempDir()
	d := &ZoneFile{Path: filepath.Join(dir, "%.zone"), Reload: script(t, `echo "$1" >>`+dir+`/reloads`, "%"), Now: noon}
	if text != "" {
		write(t, d.path(zone), text)
	}
	return d, func() int {
		reloads, _ := os.ReadFile(filepath.Join(dir, "reloads"))
		return strings.Count(string(reloads), zone+"\n")
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
}

func readAll(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// script is a command that runs lines of shell.
func script(t *testing.T, lines string, args ...string) []string {
	return append([]string{"/bin/sh", "-c", lines, "sh"}, args...)
}

// apply makes changes and wants their verdicts, "add same foreign", or a part of the
// error of the first that was not done.
func apply(t *testing.T, w domains.DNSWriter, want string, changes ...domains.DNSChange) []domains.DNSOutcome {
	t.Helper()
	out, err := w.Apply(t.Context(), zone, changes)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range out {
		if o.Err != nil {
			if !strings.Contains(o.Err.Error(), want) {
				t.Errorf("got %v, want %q", o.Err, want)
			}
			return out
		}
		got = append(got, string(o.Verdict))
	}
	if fmt.Sprint(strings.Join(got, " ")) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	return out
}

func TestZoneFileLife(t *testing.T) {
	d, reloads := file(t, wholeOne)
	if out, err := d.Plan(t.Context(), zone, []domains.DNSChange{change("one")}); err != nil || out[0].Verdict != domains.DNSAdd || readAll(t, d.path(zone)) != wholeOne {
		t.Fatalf("%+v, %v", out, err)
	}
	apply(t, d, "add", change("one"))
	text := readAll(t, d.path(zone))
	if !strings.HasPrefix(text, strings.Replace(wholeOne, "2026112104", "2026112201", 1)) || !strings.Contains(text, leaf+`. 3600 IN TXT "one"`) {
		t.Errorf("the file is\n%s", text)
	}
	if info, _ := os.Stat(d.path(zone)); info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v", info.Mode())
	}
	apply(t, d, "same", change("one", "one"))
	if readAll(t, d.path(zone)) != text || reloads() != 2 {
		t.Errorf("what stands was written again, or not loaded again: %d", reloads())
	}
	apply(t, d, "replace", change("two", "one"))
	write(t, d.path(zone), strings.Replace(readAll(t, d.path(zone)), "2026112202", "7", 1)) // a person went back
	apply(t, d, "remove", change("", "two"))
	if text := readAll(t, d.path(zone)); !strings.Contains(text, " 2026112203 3600") || strings.Contains(text, "TXT") {
		t.Errorf("the file is\n%s", text)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(d.Path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestZoneFileLeavesWhatIsNotOurs(t *testing.T) {
	d, _ := file(t, wholeOne+"s1._domainkey IN TXT theirs\nmail A 192.0.2.9\n")
	before := readAll(t, d.path(zone))
	apply(t, d, "foreign", change("ours"))
	apply(t, d, "foreign", change("ours", "theirs")) // even where a person uses a value that was ours once
	apply(t, d, "same", change("", "ours"))
	if readAll(t, d.path(zone)) != before {
		t.Error("the file has changed")
	}
	two := change("two")
	two.Name = "s2._domainkey.example.com"
	apply(t, d, "foreign add", change("ours"), two)
	if text := readAll(t, d.path(zone)); !strings.Contains(text, "IN TXT theirs\nmail A 192.0.2.9\n") || !strings.Contains(text, `"two"`) {
		t.Errorf("the file is\n%s", text)
	}
	write(t, d.path(zone), strings.Replace(readAll(t, d.path(zone)), `"two"`, `"hand made"`, 1))
	apply(t, d, "somebody changed the lines that postseal writes", change("ours"))
}

// A person has deleted the marks with what is between, as the error tells them to: the first
// record that is written says that the others are gone.
func TestZoneFileWithoutMarks(t *testing.T) {
	d, _ := file(t, wholeOne)
	two := change("two")
	two.Name = "s2._domainkey.example.com"
	if out := apply(t, d, "add add", change("one"), two); !out[0].Anew {
		t.Error("the file had no marks, and that is not said")
	}
	if out := apply(t, d, "replace", change("three", "one")); out[0].Anew {
		t.Error("the file had marks")
	}
	text := readAll(t, d.path(zone))
	write(t, d.path(zone), text[:strings.Index(text, "; BEGIN")])
	if out := apply(t, d, "add", change("three", "three")); !out[0].Anew {
		t.Error("the others are gone, and that is not said")
	}
	if out := apply(t, d, "same", change("three", "three")); !out[0].Anew {
		t.Error("after a crash in between it is not said any more")
	}
	if out := apply(t, d, "add", two); out[0].Anew {
		t.Error("another one is there")
	}
	if out := apply(t, d, "same same", change("three", "three"), two); !out[0].Anew {
		t.Error("nothing but these is there, and that is not said")
	}
}

// What a person has put outside of the marks is there, whoever wrote it first.
func TestZoneFileWithRecordsOutsideOfTheMarks(t *testing.T) {
	d, _ := file(t, wholeOne+"s1._domainkey 3600 IN TXT one\n")
	if out := apply(t, d, "same", change("one", "one")); out[0].Anew {
		t.Error("nothing is lost")
	}
}

func TestZoneFileFragment(t *testing.T) {
	d, reloads := file(t, "")
	dir := filepath.Dir(d.Path)
	d.Path, d.SOAFile = filepath.Join(dir, "%.keys"), filepath.Join(dir, "%.zone")
	write(t, filepath.Join(dir, zone+".zone"), wholeOne+"$INCLUDE "+zone+".keys\n")
	apply(t, d, "add", change("one"))
	if text := readAll(t, filepath.Join(dir, zone+".zone")); text != strings.Replace(wholeOne, "2026112104", "2026112201", 1)+"$INCLUDE "+zone+".keys\n" {
		t.Errorf("the zone file is\n%s", text)
	}
	if text := readAll(t, filepath.Join(dir, zone+".keys")); !strings.Contains(text, `"one"`) || strings.Contains(text, "SOA") || reloads() != 1 {
		t.Errorf("the fragment is\n%s", text)
	}
}

func TestZoneFileOfTheKeyZone(t *testing.T) {
	d, _ := file(t, "")
	apply(t, d, "no such file", change("one"))
	d.Head = func(zone string) string { return wholeOne }
	other := change("other")
	other.Name = "s2._domainkey.example.com"
	if out := apply(t, d, "add add", change("one"), other); !out[0].Anew {
		t.Error("that it was begun is not said")
	}
	if out := apply(t, d, "replace", change("two", "one")); out[0].Anew {
		t.Error("begun again")
	}
	apply(t, d, "replace", change("one", "two"))
	if text := readAll(t, d.path(zone)); !strings.Contains(text, "2026112203") || !strings.Contains(text, `"one"`) {
		t.Errorf("the file is\n%s", text)
	}
}

func TestZoneFileFaults(t *testing.T) {
	t.Run("reload fails", func(t *testing.T) {
		d, _ := file(t, wholeOne)
		d.Reload = script(t, "echo rndc: connection refused >&2; exit 3")
		out := apply(t, d, "rndc: connection refused", change("one"))
		if !out[0].Touched {
			t.Error("the file was written, and that is not said")
		}
		d.Reload = script(t, "exit 0")
		apply(t, d, "same", change("one", "one"))
	})
	t.Run("reload hangs", func(t *testing.T) {
		d, _ := file(t, wholeOne)
		d.Timeout, d.Reload = 5*time.Second, script(t, "echo waiting; sleep 1000 & sleep 1000")
		apply(t, d, "no end within 5s: waiting", change("one"))
	})
	t.Run("somebody holds the lock", func(t *testing.T) {
		d, _ := file(t, wholeOne)
		dir, err := os.Open(filepath.Dir(d.Path))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		d.Timeout = 50 * time.Millisecond
		apply(t, d, "another process holds its lock", change("one"))
		if readAll(t, d.path(zone)) != wholeOne {
			t.Error("it was written all the same")
		}
		dir.Close()
		d.Timeout = 0
		apply(t, d, "add", change("one"))
	})
	t.Run("no such reload", func(t *testing.T) {
		d, _ := file(t, wholeOne)
		d.Reload = []string{"/nonexistent/rndc"}
		apply(t, d, "/nonexistent/rndc", change("one"))
	})
	t.Run("read-only file", func(t *testing.T) {
		d, reloads := file(t, wholeOne)
		if err := os.Chmod(d.path(zone), 0o444); err != nil {
			t.Fatal(err)
		}
		out := apply(t, d, "read-only", change("one"))
		if readAll(t, d.path(zone)) != wholeOne || reloads() != 0 || out[0].Touched {
			t.Error("it was written all the same")
		}
	})
	t.Run("no SOA record", func(t *testing.T) {
		d, _ := file(t, "www A 192.0.2.1\n")
		apply(t, d, "soa_file", change("one"))
	})
	t.Run("not a file", func(t *testing.T) {
		d, _ := file(t, "")
		if err := os.Mkdir(d.path(zone), 0o755); err != nil {
			t.Fatal(err)
		}
		apply(t, d, "not a regular file", change("one"))
	})
}

// The driver asks for the time between reading and writing: there an editor saves.
func TestZoneFileKeepsWhatAnEditorSavesMeanwhile(t *testing.T) {
	const theirs = "admin 300 IN A 192.0.2.99\n"
	for _, where := range []string{"the zone file", "the fragment", "the file with the SOA record"} {
		t.Run(where, func(t *testing.T) {
			d, _ := file(t, wholeOne)
			edited := d.path(zone)
			if where != "the zone file" {
				d.SOAFile, d.Path = d.Path, strings.TrimSuffix(d.Path, "zone")+"keys"
				write(t, d.path(zone), "; a fragment\n")
			}
			if where == "the fragment" {
				edited = d.path(zone)
			}
			saves := 1
			d.Now = func() time.Time {
				if saves--; saves >= 0 {
					write(t, edited+".new", readAll(t, edited)+theirs)
					if err := os.Rename(edited+".new", edited); err != nil {
						t.Fatal(err)
					}
				}
				return noon()
			}
			apply(t, d, "add", change("one"))
			if text := readAll(t, edited); strings.Count(text, theirs) != 1 || !strings.Contains(readAll(t, d.path(zone)), `"one"`) {
				t.Errorf("%s is\n%s", where, text)
			}
			saves = 1000
			out := apply(t, d, "saved by somebody else", change("two", "one"))
			if text := readAll(t, d.path(zone)); out[0].Err == nil || strings.Contains(text, `"two"`) {
				t.Errorf("%+v, the file is\n%s", out, text)
			}
		})
	}
}
