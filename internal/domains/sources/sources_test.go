package sources_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains/sources"
)

// fakeSystem has files and what programs print, by path and by command line.
type fakeSystem map[string]string

func (f fakeSystem) ReadFile(path string) ([]byte, error) {
	if text, ok := f[path]; ok {
		return []byte(text), nil
	}
	return nil, fmt.Errorf("open %s: %w", path, fs.ErrNotExist)
}

func (f fakeSystem) Run(_ context.Context, program string, args ...string) ([]byte, error) {
	command := strings.Join(append([]string{program}, args...), " ")
	text, ok := f[command]
	switch {
	case !ok && strings.HasPrefix(program, "postconf"):
		return nil, fmt.Errorf("%s: %w", program, fs.ErrNotExist)
	case !ok:
		return nil, errors.New(command + ": exit status 1: no such table")
	}
	return []byte(text), nil
}

var now = time.Date(2026, 11, 22, 14, 17, 0, 0, time.UTC)

// read gives the domains of one source as "a.example b.example=2", with what is told.
func read(t *testing.T, system sources.System, entry string) (found string, report sources.Report) {
	t.Helper()
	reports := sources.Read(t.Context(), system, []string{entry}, now)
	if len(reports) != 1 || reports[0].Source != entry {
		t.Fatalf("%+v", reports)
	}
	var all []string
	for _, d := range reports[0].Domains {
		if d.Source != entry || d.Last != now {
			t.Errorf("%+v", d)
		}
		text := d.Domain
		if d.Count != 1 {
			text += fmt.Sprint("=", d.Count)
		}
		all = append(all, text)
	}
	return strings.Join(all, " "), reports[0]
}

// remarked wants a remark for each text, in order, and no other.
func remarked(t *testing.T, r sources.Report, texts ...string) {
	t.Helper()
	if !slices.EqualFunc(r.Remarks, texts, strings.Contains) {
		t.Errorf("remarks %q, want %q", r.Remarks, texts)
	}
}

func TestUsersFile(t *testing.T) {
	const entry = "file:/users"
	file := func(text string) fakeSystem { return fakeSystem{"/users": text} }
	t.Run("INF-19", func(t *testing.T) { // an address that is added to the users makes its domain a candidate
		users := "ada@example.com\n"
		if found, _ := read(t, file(users), entry); found != "example.com" {
			t.Errorf("found %q", found)
		}
		if found, _ := read(t, file(users+"bob@shop.example\n"), entry); found != "example.com shop.example" {
			t.Errorf("found %q", found)
		}
	})
	t.Run("OCR-11", func(t *testing.T) { // the domains found on user records
		found, r := read(t, file("# users\r\n\r\nada@b.example # Ada\r\n bob@B.example\r\na.example.\r\nBücher.example"), entry)
		if found != "a.example b.example=2 xn--bcher-kva.example" || r.Err != nil {
			t.Errorf("found %q: %v", found, r.Err)
		}
		remarked(t, r)
	})
	t.Run("bad lines hide no others", func(t *testing.T) {
		found, r := read(t, file("localhost\nexample.com\nwww.example.com\nhttp://example.com/\nx@192.0.2.1\n\x1b[2J.example\n*\nshop.example\n@example.com\n"), entry)
		if found != "example.com shop.example" || r.Err != nil || r.More != 2 {
			t.Errorf("found %q, %d more: %v", found, r.More, r.Err)
		}
		remarked(t, r, "/users:1: ", `/users:3: "www.example.com" begins with "www."`, "/users:4: ", "/users:5: ", `/users:6: "\x1b[2J.example"`)
	})
	t.Run("a long line", func(t *testing.T) {
		_, r := read(t, file(strings.Repeat("x", 100_000)+"\n"+strings.Repeat("x", 400)+"@example.com"), entry)
		for _, remark := range r.Remarks {
			if len(remark) > 300 {
				t.Errorf("a remark of %d octets", len(remark))
			}
		}
		remarked(t, r, "too long", "…")
	})
	t.Run("too many", func(t *testing.T) {
		var text strings.Builder
		for i := range 10_005 {
			fmt.Fprintf(&text, "d%d.example\nx@d0.example\n", i)
		}
		_, r := read(t, file(text.String()), entry)
		if len(r.Domains) != 10_000 || r.Domains[0].Count != 10_006 {
			t.Errorf("%d domains, the first with %d", len(r.Domains), r.Domains[0].Count)
		}
		remarked(t, r, "more than 10000 domains")
	})
	t.Run("no file", func(t *testing.T) {
		if _, r := read(t, fakeSystem{}, entry); !errors.Is(r.Err, fs.ErrNotExist) {
			t.Errorf("%v", r.Err)
		}
	})
}

func TestProgram(t *testing.T) {
	system := fakeSystem{"/usr/bin/list --all": "ada@example.com\nnonsense\n"}
	found, r := read(t, system, "exec:/usr/bin/list  --all")
	if found != "example.com" || r.Err != nil {
		t.Errorf("found %q: %v", found, r.Err)
	}
	remarked(t, r, "/usr/bin/list:2: ")
	if _, r := read(t, system, "exec:/usr/bin/other"); r.Err == nil {
		t.Error("a program that is not there has no error")
	}
}

func TestReadGoesOn(t *testing.T) {
	reports := sources.Read(t.Context(), fakeSystem{"/b": "b.example"}, []string{"file:/a", "nonsense", "file:/b"}, now)
	if len(reports) != 3 || reports[0].Err == nil || reports[1].Err == nil || reports[2].Err != nil || len(reports[2].Domains) != 1 {
		t.Errorf("%+v", reports)
	}
}

// FuzzLines: whatever stands in a file of users or in a table, each domain found is one.
func FuzzLines(f *testing.F) {
	f.Add("ada@example.com # Ada\nexample.org\n\n*\n")
	f.Add("Cwexample.com {a\nC{w}x.example\nF{VirtHost}-o /x\nKvirtuser hash /y\nDMm.example\n")
	f.Add("mydestination = a.example, !b.example, {c.example, hash:/x, [192.0.2.1], /y\nx@y z\n")
	f.Fuzz(func(t *testing.T, text string) {
		system := fakeSystem{
			"/users": text, "/x": text, "/y": text, "/etc/mail/sendmail.cf": text, "/etc/postfix/main.cf": "", listing: text,
			"postconf -d -h config_directory": "/etc/postfix\n",
		}
		for _, r := range sources.Read(t.Context(), system, []string{"file:/users", "postfix", "sendmail"}, now) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			for _, d := range r.Domains {
				if !strings.Contains(d.Domain, ".") || strings.ContainsAny(d.Domain, " @:/{}[]*\x1b\n") || d.Count < 1 {
					t.Errorf("%s: %+v", r.Source, d)
				}
			}
		}
	})
}
