package records_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// begin is when the keys of all tests were made.
var begin = time.Date(2026, 11, 21, 20, 54, 30, 0, time.UTC)

// record2048 is the record of an RSA key, made once.
var record2048 = sync.OnceValue(func() string {
	key, err := dkim.Generate(dkim.RSASHA256, 2048)
	if err != nil {
		panic(err)
	}
	return key.PublicRecord()
})

// key is a key of a domain in a state, made so many hours after begin.
func key(selector string, state domains.State, hours int) domains.Key {
	k := domains.Key{
		ID: selector, Selector: selector, Algorithm: dkim.RSASHA256, Bits: 2048, Record: record2048(), State: state,
		Print: "SHA256:9f3c2a51b0de77aa112233", CreatedAt: begin.Add(time.Duration(hours) * time.Hour),
	}
	if state != domains.Generated {
		k.PendingSince = k.CreatedAt
	}
	if state == domains.Active || state == domains.Ready || state == domains.Retiring {
		k.VerifiedAt, k.Health.Status = k.CreatedAt, domains.OK
	}
	return k
}

func detail(name string, keys ...domains.Key) domains.Detail {
	d := domains.Detail{Row: domains.Row{Domain: domains.Domain{Name: name, Publish: domains.PublishTXT}}}
	for _, k := range keys {
		k.Owner, k.Domain = name, name[strings.LastIndexByte(name, '@')+1:]
		if k.DestroyedAt.IsZero() {
			d.Keys = append(d.Keys, k)
		} else {
			d.History = append(d.History, k)
		}
	}
	return d
}

func keepUntil(domains.Domain, domains.Key) time.Time {
	return time.Date(2026, 12, 5, 10, 0, 0, 0, time.UTC)
}

// sheet is that of keys in a zone at some name servers.
func sheet(d domains.Detail, apex string, servers ...string) records.Sheet {
	return records.Make(d, records.Zone{Name: apex, NameServers: servers}, keepUntil)
}

func written(t *testing.T, f records.Format, sheets ...records.Sheet) string {
	t.Helper()
	out, err := records.Write(f, sheets)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// has wants each text in out, in this order.
func has(t *testing.T, out string, texts ...string) {
	t.Helper()
	rest := out
	for _, want := range texts {
		i := strings.Index(rest, want)
		if i < 0 {
			t.Fatalf("no %q (in this order) in\n%s", want, out)
		}
		rest = rest[i+len(want):]
	}
}

func hasNot(t *testing.T, out string, texts ...string) {
	t.Helper()
	for _, bad := range texts {
		if strings.Contains(out, bad) {
			t.Errorf("%q in\n%s", bad, out)
		}
	}
}
