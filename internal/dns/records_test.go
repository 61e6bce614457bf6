package dns

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const records = "\ufeff# keys of the tests\r\n" +
	"S1._domainkey.Example.COM.\t v=DKIM1; k=rsa; p=AA  BB # of 2026\r\n" +
	"\n" +
	"two.example one\n" +
	"two.example \"two\n"

func TestRecords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(strings.ReplaceAll(records, `"`, ""))
	server := newServer(t, zone(t, key+". 60 TXT network"))
	r := resolver(t, Config{RecordsFile: path}, server)

	got, err := r.LookupTXT(t.Context(), key)
	if want := (Answer{TXT: []string{"v=DKIM1; k=rsa; p=AA  BB"}, Name: key, Server: path + ":2"}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	got, err = r.LookupTXT(t.Context(), "TWO.example.")
	if want := (Answer{TXT: []string{"one", "two"}, Name: "two.example", Server: path + ":4"}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if n := len(server.questions()); n != 0 {
		t.Errorf("%d questions were asked", n)
	}

	write("two.example")
	if err := r.Reload(); err == nil {
		t.Error("a bad file is loaded")
	}
	if _, err := r.LookupTXT(t.Context(), "two.example"); err != nil {
		t.Errorf("after a reload that failed: %v", err)
	}
	write("other.example x")
	if err := r.Reload(); err != nil {
		t.Error(err)
	}
	if got, err := r.LookupTXT(t.Context(), key); err != nil || got.TXT[0] != "network" {
		t.Errorf("what is no longer in the file: %v, %v", got, err)
	}
}

func TestRecordsErrors(t *testing.T) {
	text := "good.example x\nalone.example\na b.example/ x\n(.example x\nquoted.example \"v=DKIM1\"\nlong.example " + strings.Repeat("x", maxRecord+1)
	_, err := parseRecords("/etc/records", text)
	want := "/etc/records:2: no text behind the name\n" +
		"/etc/records:4: not a domain name: only letters, digits, hyphen and underscore\n" +
		"/etc/records:5: write the text in one piece and without quotes\n" +
		"/etc/records:6: text over 64 KiB"
	var e *RecordError
	if err == nil || err.Error() != want || !errors.As(err, &e) || e.Line != 2 {
		t.Errorf("got %v", err)
	}
	for name, path := range map[string]string{"no file": "/nonexistent/records", "directory": t.TempDir()} {
		if _, err := New(Config{Servers: []string{"192.0.2.1"}, RecordsFile: path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzRecords reads any file: what it gives can be written and read again.
func FuzzRecords(f *testing.F) {
	f.Add(records)
	f.Add("a x\na y # z\n\nb\tx")
	f.Add("a\x00b x\r\r\n \t#")
	f.Fuzz(func(t *testing.T, text string) {
		names, err := parseRecords("f", text)
		if err != nil {
			if names != nil || !errors.As(err, new(*RecordError)) {
				t.Fatalf("%v with %v", names, err)
			}
			return
		}
		var again strings.Builder
		for name, s := range names {
			if plain, err := canonical(name); err != nil || plain != name || len(s.txt) == 0 || s.line < 1 {
				t.Fatalf("%q: %+v, %v", name, s, err)
			}
			for _, txt := range s.txt {
				fmt.Fprintf(&again, "%s %s\n", name, txt)
			}
		}
		second, err := parseRecords("f", again.String())
		if err != nil || len(second) != len(names) {
			t.Fatalf("%q reads as %v, %v", again.String(), second, err)
		}
		for name, s := range names {
			if !reflect.DeepEqual(second[name].txt, s.txt) {
				t.Fatalf("%q reads as %v", again.String(), second)
			}
		}
	})
}
