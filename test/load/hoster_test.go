package load

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/hoster"
)

// residentLimit is what the daemon may hold in memory with 100,000 keys, in bytes.
const residentLimit = 150_000_000

// Issue 3, line 4: 100,000 domains with a key file each, 50 of which are bad. How
// fast all this is, make bench-check tells.
func TestHundredThousandDomains(t *testing.T) {
	h := newHosting(t, 100_000)
	const early, changed = 4242, 77_777
	last := h.Domains - 1 // is bad, in a way that only reading it shows

	h.daemon = serve(t, h.Dir, "")
	h.sends(early, hoster.Selector)
	if h.reports(last) > 0 {
		t.Error("the first message had to wait until all keys were read")
	}
	for _, domain := range slices.Sorted(maps.Keys(h.bad)) { // one by one: all together are more than a deadline
		h.daemon.await("a report on domain "+fmt.Sprint(domain), func() bool { return h.reports(domain) > 0 })
	}
	h.checkReports()
	h.checkMemory("after the pass over all keys")

	for domain := 7; domain < h.Domains; domain += 199 {
		h.sends(domain, hoster.Selector)
	}
	for domain := range h.bad {
		h.sends(domain, "")
	}
	h.checkReports() // a message adds no report
	h.checkMemory("after messages of 550 domains")

	h.edit(h.row(changed), strings.Replace(h.row(changed), ":"+hoster.Selector+":", ":new:", 1))
	h.daemon.reload()
	h.sends(changed, "new")
	h.sends(early, hoster.Selector)
	h.checkMemory("after a reload")
	h.daemon.stop()
}

// hosting is a hoster's daemon and the lines of its KeyTable that cannot work.
type hosting struct {
	testing.TB
	*hoster.Site
	daemon *daemon
	bad    map[int]string // by domain: what the log must say of its row
}

func newHosting(t testing.TB, domains int) *hosting {
	t.Helper()
	site, err := hoster.Make(t.TempDir(), domains)
	if err != nil {
		t.Fatal(err)
	}
	h := &hosting{TB: t, Site: site, bad: map[int]string{}}
	h.plant(50)
	return h
}

// plant spoils keys in every way, spread over the table to its last line.
func (h *hosting) plant(keys int) {
	h.Helper()
	weak, err := hoster.RSA(512)
	h.must(err)
	good, err := hoster.RSA(1024)
	h.must(err)
	ways := []struct {
		report string
		spoil  func(domain int) error
	}{
		{"does not exist", func(domain int) error { return os.Remove(h.KeyFile(domain)) }},
		{"every user of this host can read", func(domain int) error { return os.Chmod(h.KeyFile(domain), 0o644) }},
		{"not a regular file", func(domain int) error {
			return errors.Join(os.Remove(h.KeyFile(domain)), os.Mkdir(h.KeyFile(domain), 0o700))
		}},
		{"the line says ed25519-sha256, but its key is for rsa-sha256", func(domain int) error {
			return h.editTable(h.row(domain), strings.Replace(h.row(domain), ".pem\n", ".pem:ed25519-sha256\n", 1))
		}},
		{"RSA key too small: 512 bits", h.rewrite(weak)},
		{"more than one PEM block", h.rewrite(bytes.Repeat(good, 2))},
		{"damaged PEM", h.rewrite([]byte("-----BEGIN PRIVATE KEY-----\n"))},
		{"empty", h.rewrite(nil)},
		{"more than 65536 octets", h.rewrite(make([]byte, 1<<20))},
		{"neither PEM nor base64", h.rewrite([]byte("?\n"))},
	}
	for i := range keys {
		domain := (i+1)*h.Domains/keys - 1
		way := ways[i%len(ways)]
		h.bad[domain] = way.report
		h.must(way.spoil(domain))
	}
}

func (h *hosting) rewrite(text []byte) func(domain int) error {
	return func(domain int) error { return os.WriteFile(h.KeyFile(domain), text, 0o600) }
}

// row is a domain's line of the KeyTable.
func (h *hosting) row(domain int) string {
	return fmt.Sprintf("%s %s:%s:%s\n", h.Domain(domain), h.Domain(domain), hoster.Selector, h.KeyFile(domain))
}

func (h *hosting) edit(row, with string) {
	h.Helper()
	h.must(h.editTable(row, with))
}

func (h *hosting) editTable(row, with string) error {
	text, err := os.ReadFile(h.KeyTable())
	if err != nil {
		return err
	}
	if bytes.Count(text, []byte(row)) != 1 {
		return fmt.Errorf("not one line %q", row)
	}
	return os.WriteFile(h.KeyTable(), bytes.Replace(text, []byte(row), []byte(with), 1), 0o600)
}

// sends sends a message of a domain, which must leave signed with its own key under
// the selector, or unsigned for "".
func (h *hosting) sends(domain int, selector string) {
	h.Helper()
	want := ""
	if selector != "" {
		want = h.Domain(domain) + "/" + selector
	}
	mta, err := h.daemon.dial()
	h.must(err)
	defer mta.Quit()
	keys, err := signatures(mta, mail("ada@"+h.Domain(domain)), func(string) ([]string, error) {
		key, err := dkim.LoadPrivateKey(h.KeyFile(domain))
		if err != nil {
			return nil, err
		}
		return []string{key.PublicRecord()}, nil
	})
	if got := strings.Join(keys, ","); err != nil || got != want {
		h.Errorf("domain %d is signed with %q, %v; want %q", domain, got, err, want)
	}
}

// reports counts what the log says of a domain's row.
func (h *hosting) reports(domain int) int {
	return h.daemon.count(func(l line) bool { return strings.HasPrefix(l.Problem, h.position(domain)) })
}

func (h *hosting) position(domain int) string { return fmt.Sprintf("%s:%d: ", h.KeyTable(), domain+1) }

// checkReports wants one report on each bad row, and no other.
func (h *hosting) checkReports() {
	h.Helper()
	for domain, words := range h.bad {
		n := h.daemon.count(func(l line) bool {
			return strings.HasPrefix(l.Problem, h.position(domain)) && strings.Contains(l.Problem, words)
		})
		if n != 1 {
			h.Errorf("%d reports %q on domain %d, want 1", n, words, domain)
		}
	}
	if n := h.daemon.count(func(l line) bool { return l.Problem != "" }); n != len(h.bad) {
		h.Errorf("%d problems in the log, want %d", n, len(h.bad))
	}
}

// checkMemory waits for the memory to be within its limit: what a load leaves
// behind goes in the background.
func (h *hosting) checkMemory(when string) {
	h.Helper()
	if err := await.Patiently("no more than 150 MB resident "+when, func() bool { return h.daemon.resident() <= residentLimit }); err != nil {
		h.Errorf("%d MB: %v", h.daemon.resident()/1e6, err)
	}
	h.Logf("%d MB %s", h.daemon.resident()/1e6, when)
}

func (h *hosting) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}
