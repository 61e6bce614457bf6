package domains_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/domains"
)

// TestRequirement has a subtest for each numbered requirement that the life of a
// key serves, under its number (ruling 39).
func TestRequirement(t *testing.T) {
	for _, r := range []struct {
		number string
		test   func(*world)
	}{
		{"INF-4", inf4},
		{"INF-6", inf6},
		{"INF-15", inf15},
		{"INF-16", inf16},
		{"INF-17", inf17},
		{"INF-23", inf23},
		{"INF-26", inf26},
		{"INF-27", inf27},
		{"INF-28", inf28},
		{"INF-29", inf29},
		{"INF-35", inf35},
		{"KAR-5", kar5},
		{"KAR-7", kar7},
		{"KAR-8", kar8},
		{"KAR-11", kar11},
		{"KAR-21", kar21},
		{"KAR-24", kar24},
		{"KAR-25", kar25},
		{"KAR-26", kar26},
		{"KAR-27", kar27},
		{"KAR-28", kar28},
		{"OCR-11", ocr11},
		{"OCR-14", ocr14},
		{"OCR-15", ocr15},
		{"OCR-16", ocr16},
		{"OCR-17", ocr17},
		{"OCR-18", ocr18},
		{"OCR-19", ocr19},
		{"OCR-20", ocr20},
		{"OCR-21", ocr21},
		{"OCR-22", ocr22},
		{"OCR-23", ocr23},
		{"TST-4", tst4},
		{"TST-5", tst5},
		{"TST-6", tst6},
		{"TST-7", tst7},
		{"TST-8", tst8},
		{"TST-9", tst9},
		{"TST-10", tst10},
		{"TST-15", tst6},
		{"MA-1", ma1},
		{"MA-10", ma10},
		{"MA-11", ma11},
		{"MA-12", ma12},
		{"MA-15", ma15},
		{"MA-16", ma16},
		{"MA-17", ma17},
		{"MA-19", ma19},
	} {
		t.Run(r.number, func(t *testing.T) { r.test(newWorld(t)) })
	}
}

// The service makes the pair itself, RSA of 2048 bits unless told otherwise.
func inf4(w *world) {
	added, err := w.service.Add(w.ctx, "root", domains.AddRequest{Name: "example.com"})
	w.must(err)
	k := added.Keys[0]
	private, err := w.service.Private(w.ctx, k.ID)
	w.must(err)
	if k.Algorithm != dkim.RSASHA256 || k.Bits != 2048 || private.PublicRecord() != k.Record {
		w.Errorf("made %v of %d bits", k.Algorithm, k.Bits)
	}
}

// Opt-in: not enabled, nothing is signed even though DNS is right.
func inf6(w *world) {
	k := w.add("example.com", func(r *domains.AddRequest) { r.Disabled = true })
	w.publish(k)
	w.live(time.Hour)
	w.signsWith("example.com")
	w.label("example.com", "Disabled", "grey")
	_, err := w.service.Enable(w.ctx, "root", "example.com", domains.EnableRequest{})
	w.must(err)
	w.signsWith("example.com", k)
}

// Verify looks now, whatever the schedule says.
func inf15(w *world) {
	k := w.add("example.com")
	w.live(5*time.Hour + time.Minute)
	before := len(w.dns.times(record(k)))
	checked, err := w.service.Verify(w.ctx, "panel:alice", "example.com")
	w.must(err)
	if len(w.dns.times(record(k))) != before+1 || len(checked) != 1 || checked[0].Result.Verdict != check.Absent {
		w.Errorf("verify: %+v", checked)
	}
	_, err = w.service.Verify(w.ctx, "root", "other.example")
	w.refused(err, "no-such-domain")
}

// Not live and not correct are told apart; both are notified and journalled.
func inf16(w *world) {
	k := w.add("example.com")
	verify := func(want string) {
		w.Helper()
		_, err := w.service.Verify(w.ctx, "panel:alice", "example.com")
		w.must(err)
		notices := w.notices()
		if last := notices[len(notices)-1]; last.Event != domains.DomainVerifyResult || !strings.Contains(last.Text, want) {
			w.Errorf("told %+v, want %q", last, want)
		}
		entries, err := w.service.Journal(w.ctx, domains.JournalQuery{Last: true, Limit: 1})
		w.must(err)
		if e := entries[0]; e.Actor != "panel:alice" || e.Verb != "verify" {
			w.Errorf("journal: %+v", e)
		}
	}
	verify("not live")
	w.dns.publish(record(k), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
	verify("not correct")
	w.publish(k)
	verify("live and correct")
}

// Zero signatures before the first confirmation, whatever happens.
func inf17(w *world) {
	k := w.add("example.com")
	w.dns.during = func() { w.signsWith("example.com") }
	for _, v := range []check.Verdict{
		check.Absent, check.Mismatch, check.Revoked, check.Malformed, check.Duplicate, check.Inconsistent, check.Temporary, check.TargetChanged,
	} {
		w.dns.answer(record(k), v)
		w.live(2 * day)
		w.signsWith("example.com")
		_, err := w.service.Verify(w.ctx, "root", "example.com")
		w.must(err)
		w.signsWith("example.com")
	}
	w.publish(k)
	_, err := w.service.Verify(w.ctx, "root", "example.com")
	w.must(err)
	w.signsWith("example.com") // one look is not enough
	w.live(time.Minute)
	w.signsWith("example.com", k)
}

// Two adds never give the same selector.
func inf23(w *world) {
	seen := map[string]bool{}
	for range 200 {
		selector, err := domains.NewSelector(domains.DefaultPolicy().Selector, "example.com", w.clock.Now())
		w.must(err)
		if seen[selector] {
			w.Errorf("%s came twice", selector)
		}
		seen[selector] = true
	}
	selector, err := domains.NewSelector("{uuid}", "example.com", w.clock.Now())
	w.must(err)
	if len(selector) != 36 || strings.Count(selector, "-") != 4 {
		w.Errorf("{uuid} gives %s", selector)
	}
}

// The look that opens the gate goes to the authoritative servers.
func inf26(w *world) {
	k := w.add("example.com")
	w.publish(k)
	w.live(2 * time.Minute)
	if asked, full := len(w.dns.times(record(k))), w.dns.full[record(k)]; asked != full || full < 2 {
		w.Errorf("%d looks, %d of them at the authoritative servers", asked, full)
	}
}

// A failed validation says when to try again, and a retry opens a new window.
func inf27(w *world) {
	k := w.add("example.com")
	_, err := w.service.Verify(w.ctx, "root", "example.com")
	w.must(err)
	notices := w.notices()
	if text, want := notices[len(notices)-1].Text, w.clock.Now().Add(15*time.Minute).Format("15:04 UTC"); !strings.Contains(text, "Try again after") || !strings.Contains(text, want) {
		w.Errorf("told %q, want %s in it", text, want)
	}
	w.live(4 * day)
	w.is(k.ID, domains.Failed)
	w.clock.advance(time.Hour)
	_, err = w.service.Verify(w.ctx, "root", "example.com")
	w.must(err)
	if k := w.key(k.ID); k.State != domains.Pending || k.Deadline.Sub(w.clock.Now()) != 72*time.Hour {
		w.Errorf("after the retry: %s until %v", k.State, k.Deadline)
	}
}

// Verified, and signing begins without a second command.
func inf28(w *world) {
	k := w.add("example.com")
	w.publish(k)
	w.live(time.Minute)
	w.signsWith("example.com", k)
}

// A CNAME that points elsewhere needs re-validation, and only that domain.
func inf29(w *world) {
	k := w.connected("example.com")
	other := w.connected("example.org")
	w.dns.answer(record(k), check.TargetChanged)
	w.live(2 * time.Hour)
	w.label("example.com", "Needs re-validation", "amber")
	w.label("example.org", "Connected", "green")
	w.signsWith("example.org", other)
}

// Hours are normal; postseal keeps trying after a failed look by hand.
func inf35(w *world) {
	k := w.add("example.com")
	w.dns.answer(record(k), check.Temporary)
	w.live(6 * time.Hour)
	_, err := w.service.Verify(w.ctx, "root", "example.com")
	w.must(err)
	notices := w.notices()
	if text := notices[len(notices)-1].Text; !strings.Contains(text, "keeps trying") {
		w.Errorf("told %q", text)
	}
	w.publish(k)
	w.live(2 * time.Hour)
	w.is(k.ID, domains.Active)
}

// A tenant's domain is not signed before DNS proves that it is theirs.
func kar5(w *world) {
	k := w.add("example.com", func(r *domains.AddRequest) { r.Owner = "customer-7" })
	snap, err := w.service.Snapshot(w.ctx)
	w.must(err)
	if s := snap.Domains["example.com"]; len(s.Keys) != 0 || s.Owner != "customer-7" || s.Why != "pending" {
		w.Errorf("signing: %+v", s)
	}
	w.publish(k)
	w.live(time.Minute)
	w.signsWith("example.com", k)
}

// The first message from a domain without a key is told, once.
func kar7(w *world) {
	sight := func() {
		w.must(w.service.Seen(w.ctx, []domains.Sighting{{Domain: "new.example", Source: "mail", Count: 3, Last: w.clock.Now()}}))
	}
	sight()
	w.clock.advance(time.Hour)
	sight()
	if w.told(domains.DomainUnsignedSeen) != 1 {
		w.Errorf("told %d times", w.told(domains.DomainUnsignedSeen))
	}
	got, err := w.service.Candidates(w.ctx)
	w.must(err)
	if len(got) != 1 || got[0].Count != 6 || !got[0].FirstSeen.Equal(begin) || !got[0].LastSeen.Equal(w.clock.Now()) {
		w.Errorf("candidates: %+v", got)
	}
}

func kar8(w *world) {
	a, b := w.add("example.com"), w.add("example.org")
	if a.Print == b.Print || a.Selector == b.Selector {
		w.Errorf("%+v and %+v share something", a, b)
	}
}

// What people paste along with a domain is refused with the part to remove.
func kar11(w *world) {
	for _, test := range []struct{ input, want, fix string }{
		{"example.com", "example.com", ""},
		{" Example.COM. ", "example.com", ""},
		{"bücher.example", "xn--bcher-kva.example", ""},
		{"www.example.com", "", `"www."`},
		{"http://example.com/", "", `"http://"`},
		{"https://www.example.com:443/path?x", "", `"https://"`},
		{"a@example.com", "", `"a@"`},
		{"example.com/", "", `"/"`},
		{"example.com:25", "", `":25"`},
		{"example com", "", `" com"`},
		{"*.example.com", "", "subdomains"},
		{"example", "", "example.com"},
		{"192.0.2.1", "", "example.com"},
		{"[2001:db8::1]", "", "example.com"},
		{"example.123", "", "example.com"},
		{"", "", "example.com"},
		{"exa_mple..com", "", "example.com"},
		{strings.Repeat("a", 64) + ".example", "", "example.com"},
		{strings.Repeat("a.", 130) + "example", "", "example.com"},
		{strings.Repeat("a", 5000), "", "example.com"},
	} {
		d, err := w.service.Request(w.ctx, "root", domains.AddRequest{Name: test.input})
		var bad *domains.Invalid
		switch {
		case test.want != "" && test.input == "example.com":
			w.must(err)
		case test.want != "":
			if name, err := domains.ParseDomain(test.input, false); err != nil || name != test.want {
				w.Errorf("%q: %q %v, want %q", test.input, name, err, test.want)
			}
		case !errors.As(err, &bad) || bad.ExitCode() != 4 || !strings.Contains(bad.Fix, test.fix):
			w.Errorf("%q: %v %v, want a fix with %q", test.input, d.Name, err, test.fix)
		}
	}
	if name, err := domains.ParseDomain("www.example.com", true); err != nil || name != "www.example.com" {
		w.Errorf("allowed: %q %v", name, err)
	}
}

// "I have published these records" is kept, and starts the polling over.
func kar21(w *world) {
	k := w.add("example.com", func(r *domains.AddRequest) { r.Withhold = true })
	w.is(k.ID, domains.Generated)
	w.label("example.com", "Not published", "grey")
	w.live(day)
	if asked := len(w.dns.times(record(k))); asked > 1 { // the look before the selector was given out
		w.Errorf("%d looks at a record that nobody was given", asked)
	}
	d, err := w.service.Published(w.ctx, "root", "example.com")
	w.must(err)
	if !d.PublishedClaimedAt.Equal(w.clock.Now()) {
		w.Errorf("claimed at %v", d.PublishedClaimedAt)
	}
	w.is(k.ID, domains.Pending)
	w.live(10 * time.Hour) // hourly by now
	w.publish(k)
	_, err = w.service.Published(w.ctx, "root", "example.com")
	w.must(err)
	w.live(time.Minute)
	w.is(k.ID, domains.Active)
}

// Neutral before 48 hours, with the time that it took; a warning afterwards.
func kar24(w *world) {
	w.add("example.com")
	w.live(10*time.Hour + time.Minute)
	if s := w.status("example.com"); !strings.Contains(s.Text, "up to 48 hours (10 h so far)") || strings.Contains(s.Text, "long") {
		w.Errorf("after 10 hours: %+v", s)
	}
	w.live(40 * time.Hour)
	if s := w.status("example.com"); !strings.Contains(s.Text, "taking long") || w.told(domains.KeyVerifySlow) != 1 {
		w.Errorf("after 50 hours: %+v", s)
	}
}

func kar25(w *world) {
	w.add("example.com")
	if s := w.status("example.com"); s.Label != "Pending validation" || s.Colour != "yellow" || s.Word != "pending" {
		w.Errorf("%+v", s)
	}
}

// The status changes with nobody there.
func kar26(w *world) {
	k := w.add("example.com")
	w.live(3 * time.Hour)
	w.publish(k)
	w.live(time.Hour)
	w.label("example.com", "Connected", "green")
}

func kar27(w *world) {
	w.connected("example.com")
	if s := w.status("example.com"); s.Label != "Connected" || s.Colour != "green" || s.Word != "connected" {
		w.Errorf("%+v", s)
	}
}

// No error without a message: code, text and fix.
func kar28(w *world) {
	w.add("example.com")
	w.live(4 * day)
	s := w.status("example.com")
	if s.Label != "Error" || s.Colour != "red" || s.Code != "D101" || s.Text == "" || s.Fix == "" || !strings.Contains(s.Next, "--retry") {
		w.Errorf("%+v", s)
	}
}

// Candidates are domains without a row; adding one takes it off.
func ocr11(w *world) {
	for _, d := range []string{"b.example", "a.example"} {
		w.must(w.service.Seen(w.ctx, []domains.Sighting{{Domain: d, Source: "users", Count: 1, Last: w.clock.Now()}}))
	}
	w.add("b.example")
	got, err := w.service.Candidates(w.ctx)
	w.must(err)
	if len(got) != 1 || got[0].Domain != "a.example" {
		w.Errorf("candidates: %+v", got)
	}
}

func ocr14(w *world) {
	for _, test := range []struct {
		selector string
		relaxed  bool
		want     string
	}{
		{"mail.2026-q1", false, "mail.2026-q1"},
		{"Mail", false, "mail"},
		{"yourselector-2022", false, "yourselector-2022"},
		{"a_b", true, "a_b"},
		{"a_b", false, ""},
		{"-x", false, ""},
		{"x-", false, ""},
		{"a..b", false, ""},
		{"a b", false, ""},
		{"a/b", false, ""},
		{strings.Repeat("a", 63), false, strings.Repeat("a", 63)},
		{strings.Repeat("a", 64), false, ""},
		{strings.Repeat("abcdefg.", 30) + "x", false, ""}, // 241 octets, and the domain
	} {
		added, err := w.service.Add(w.ctx, "root", domains.AddRequest{
			Name: "a-" + randomLabel() + ".example", Selector: test.selector, RelaxedSelector: test.relaxed, Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256},
		})
		var bad *domains.Invalid
		switch {
		case test.want == "" && !errors.As(err, &bad):
			w.Errorf("%q was taken: %v", test.selector, err)
		case test.want != "" && (err != nil || added.Keys[0].Selector != test.want):
			w.Errorf("%q: %v", test.selector, err)
		}
	}
	if k := w.add("example.com"); !strings.HasPrefix(k.Selector, "ps202611") || len(k.Selector) != len("ps202611")+8 {
		w.Errorf("the default is %s", k.Selector)
	}
}

var label int

func randomLabel() string { label++; return strings.Repeat("x", label) }

// Name and value follow from the key; no request has a place for them.
func ocr15(w *world) {
	k := w.add("example.com")
	private, err := w.service.Private(w.ctx, k.ID)
	w.must(err)
	if k.Record != private.PublicRecord() {
		w.Errorf("the value is %q", k.Record)
	}
}

func ocr16(w *world) {
	k := w.add("example.com", func(r *domains.AddRequest) { r.Selector = "mine" })
	parsed, err := dkim.ParseKeyRecord(k.Record)
	w.must(err)
	private, err := w.service.Private(w.ctx, k.ID)
	w.must(err)
	if k.Selector != "mine" || !parsed.Public.Equal(private.Public()) {
		w.Errorf("%+v", k)
	}
}

// Regenerate with another selector changes the name.
func ocr17(w *world) {
	old := w.connected("example.com")
	added, err := w.service.Regenerate(w.ctx, "root", "example.com", domains.RotateRequest{Selector: "fresh", InPlace: true, Yes: true})
	w.must(err)
	k := added.Keys[0]
	if k.Selector != "fresh" || k.Print == old.Print {
		w.Errorf("%+v", k)
	}
	w.signsWith("example.com", k)
	w.is(old.ID, domains.Retiring)

	waiting := w.add("example.net") // a key that DNS never had makes room, and nothing signs before DNS has the next one
	for _, selector := range []string{"second", "third"} {
		added, err := w.service.Regenerate(w.ctx, "root", "example.net", domains.RotateRequest{Selector: selector})
		w.must(err)
		w.is(waiting.ID, domains.Retired)
		waiting = added.Keys[0]
		if waiting.Selector != selector {
			w.Errorf("%+v", waiting)
		}
		_, err = w.service.Abort(w.ctx, "root", "example.net")
		w.refused(err, "no-rotation")
		w.is(waiting.ID, domains.Pending)
	}
	w.publish(waiting)
	w.live(2 * time.Minute)
	w.signsWith("example.net", waiting)
}

// Regenerate in place changes the value under the same name; the old key is kept.
func ocr18(w *world) {
	old := w.connected("example.com")
	added, err := w.service.Regenerate(w.ctx, "root", "example.com", domains.RotateRequest{InPlace: true, Yes: true})
	w.must(err)
	k := added.Keys[0]
	if k.Selector != old.Selector || k.Record == old.Record {
		w.Errorf("%+v", k)
	}
	w.is(old.ID, domains.Retiring)
	if _, err := w.service.Private(w.ctx, old.ID); err != nil {
		w.Errorf("the old key is lost: %v", err)
	}
	w.label("example.com", "Signing, not verified", "red")
	w.publish(k)
	w.live(time.Hour)
	w.label("example.com", "Connected", "green")
	w.live(10 * day) // the old key goes without anybody being told to remove the record, which is the new one's
	if w.told(domains.KeySafeToRemove) != 0 || w.key(old.ID).DNSGoneAt.IsZero() {
		w.Errorf("old key: %+v", w.key(old.ID))
	}
	w.signsWith("example.com", k)
}

func ocr19(w *world) {
	k := w.connected("example.com")
	removals, err := w.service.Delete(w.ctx, "root", "example.com", domains.DeleteRequest{})
	w.must(err)
	if len(removals) != 1 || removals[0].Key.ID != k.ID || !removals[0].When.Equal(w.clock.Now().Add(7*day)) {
		w.Errorf("records to remove: %+v", removals)
	}
	rows, err := w.service.List(w.ctx, "", 10)
	w.must(err)
	if len(rows) != 0 {
		w.Errorf("still listed: %+v", rows)
	}
	w.signsWith("example.com")
	_, err = w.service.Show(w.ctx, "example.com")
	w.refused(err, "no-such-domain")
	w.live(6 * day)
	w.is(k.ID, domains.Retiring) // mail under way
	w.live(2 * day)
	w.is(k.ID, domains.Retired)
	w.dns.remove(record(k))
	w.live(40 * day)
	w.view(func(tx domains.Tx) error {
		if _, err := tx.Domain("example.com"); !errors.Is(err, domains.ErrNotFound) {
			w.Errorf("the row is still there: %v", err)
		}
		graves, err := tx.Tombstones("example.com", k.Selector)
		if len(graves) != 1 {
			w.Errorf("no tombstone")
		}
		return err
	})
	_, err = w.service.Add(w.ctx, "root", domains.AddRequest{Name: "example.com", Selector: k.Selector, Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}})
	w.refused(err, "selector-used")
	w.add("example.com")
}

// A domain that nobody has heard of is added in one step, with a selector.
func ocr20(w *world) {
	k := w.add("marketing.example", func(r *domains.AddRequest) { r.Selector = "one.step" })
	if k.State != domains.Pending || k.Selector != "one.step" {
		w.Errorf("%+v", k)
	}
}

// Without an entry nothing is signed, whatever DNS has.
func ocr21(w *world) {
	w.dns.publish("s1._domainkey.example.com", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
	w.live(day)
	w.signsWith("example.com")
}

// Immediate: signs unverified, after a warning; impossible by default.
func ocr22(w *world) {
	immediate := domains.AddRequest{Name: "example.com", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}, Activation: domains.ActivateImmediate}
	_, err := w.service.Add(w.ctx, "root", immediate)
	w.unconfirmed(err, "OCR-22")
	for what, change := range map[string]func(*domains.AddRequest){ // is refused, and nobody asked
		"underscore":  func(r *domains.AddRequest) { r.Selector = "a_b" },
		"at least":    func(r *domains.AddRequest) { r.Algorithms, r.Bits = nil, 512 },
		"named twice": func(r *domains.AddRequest) { r.Algorithms = append(r.Algorithms, dkim.Ed25519SHA256) },
	} {
		wrong := immediate
		change(&wrong)
		_, err := w.service.Add(w.ctx, "root", wrong)
		w.invalid(err, what)
	}
	immediate.Yes = true
	added, err := w.service.Add(w.ctx, "root", immediate)
	w.must(err)
	k := added.Keys[0]
	w.signsWith("example.com", k)
	w.label("example.com", "Signing, not verified", "red")
	w.live(10 * day) // and nobody publishes anything
	w.signsWith("example.com", k)
	w.label("example.com", "Signing, not verified", "red")
	if w.told(domains.KeyVerifyTimeout) != 1 || w.told(domains.KeyVerifySlow) != 1 {
		w.Errorf("told: %+v", w.notices())
	}
	w.publish(k)
	w.live(3 * time.Hour)
	w.label("example.com", "Connected", "green")
	_, err = w.service.Configure(w.ctx, "root", "example.com", domains.Settings{Activation: ptr(domains.ActivateImmediate)})
	w.unconfirmed(err, "OCR-22")
	_, err = w.service.Configure(w.ctx, "root", "example.com", domains.Settings{Activation: ptr(domains.ActivateImmediate), OnMissing: ptr(domains.OnMissing("soon"))})
	w.invalid(err, "want keep")
}

// Regenerate by default leaves no gap; in place it warns first.
func ocr23(w *world) {
	old := w.connected("example.com")
	_, err := w.service.Regenerate(w.ctx, "root", "example.com", domains.RotateRequest{InPlace: true})
	w.unconfirmed(err, "OCR-23")
	_, err = w.service.Regenerate(w.ctx, "root", "example.com", domains.RotateRequest{InPlace: true, Selector: "a_b"})
	w.invalid(err, "underscore")
	added, err := w.service.Regenerate(w.ctx, "root", "example.com", domains.RotateRequest{})
	w.must(err)
	w.live(day)
	w.signsWith("example.com", old)
	w.publish(added.Keys[0])
	w.live(2 * time.Hour)
	w.signsWith("example.com", added.Keys[0])
}

func tst4(w *world) {
	snap, err := w.service.Snapshot(w.ctx)
	w.must(err)
	if len(snap.Domains) != 0 || len(snap.Blocked) != 0 {
		w.Errorf("an empty store signs %+v", snap)
	}
}

// One address of a domain, with a key of its own.
func tst5(w *world) {
	k := w.connected("Sales@Example.COM")
	if k.Domain != "example.com" || k.Owner != "sales@example.com" {
		w.Errorf("%+v", k)
	}
	w.signsWith("sales@example.com", k)
	w.signsWith("info@example.com")
	w.signsWith("example.com")
	whole := w.connected("example.com")
	w.signsWith("example.com", whole)
	w.signsWith("sales@example.com", k)
	_, err := w.service.Disable(w.ctx, "root", "sales@example.com")
	w.must(err)
	w.signsWith("sales@example.com")
	w.signsWith("example.com", whole)
}

// The records go out with the key, to whoever listens.
func tst6(w *world) {
	k := w.add("example.com", func(r *domains.AddRequest) { r.Contact = "dns@customer.example" })
	i := slices.IndexFunc(w.notices(), func(n domains.Notice) bool { return n.Event == domains.KeyRecords })
	if i < 0 {
		w.Fatal("nobody is told the records")
	}
	if n := w.notices()[i]; n.Contact != "dns@customer.example" || !strings.Contains(n.Text, record(k)) || !strings.Contains(n.Text, k.Record) {
		w.Errorf("%+v", n)
	}
}

// Pending says whose turn it is.
func tst7(w *world) {
	w.add("example.com", func(r *domains.AddRequest) { r.Contact = "dns@customer.example" })
	if s := w.status("example.com"); !strings.Contains(s.Text, "waiting for dns@customer.example") {
		w.Errorf("%+v", s)
	}
}

// Manual: verified first, then somebody enables it.
func tst8(w *world) {
	k := w.add("example.com", func(r *domains.AddRequest) { r.Activation = domains.ActivateManual })
	_, err := w.service.Enable(w.ctx, "root", "example.com", domains.EnableRequest{})
	w.refused(err, "TST-8")
	w.publish(k)
	w.live(10 * day)
	w.label("example.com", "Verified, not signing", "blue")
	w.signsWith("example.com")
	_, err = w.service.Enable(w.ctx, "root", "example.com", domains.EnableRequest{})
	w.must(err)
	w.signsWith("example.com", k)

	forced := w.add("forced.example", func(r *domains.AddRequest) { r.Activation = domains.ActivateManual })
	_, err = w.service.Enable(w.ctx, "root", "forced.example", domains.EnableRequest{Force: true})
	w.unconfirmed(err, "OCR-22")
	_, err = w.service.Enable(w.ctx, "root", "forced.example", domains.EnableRequest{Force: true, Yes: true})
	w.must(err)
	w.signsWith("forced.example", forced)
	w.label("forced.example", "Signing, not verified", "red")
}

// Off and on at any time: the same key, no new validation.
func tst9(w *world) {
	k := w.connected("example.com")
	for range 2 {
		_, err := w.service.Disable(w.ctx, "root", "example.com")
		w.must(err)
		w.signsWith("example.com")
		w.label("example.com", "Disabled", "grey")
		w.live(day)
		_, err = w.service.Enable(w.ctx, "root", "example.com", domains.EnableRequest{})
		w.must(err)
		w.signsWith("example.com", k)
	}
}

// A request makes no key; add confirms it.
func tst10(w *world) {
	_, err := w.service.Request(w.ctx, "root", domains.AddRequest{Name: "example.com", Contact: "x@customer.example"})
	w.must(err)
	w.label("example.com", "Requested", "grey")
	d, err := w.service.Show(w.ctx, "example.com")
	w.must(err)
	if len(d.Keys) != 0 {
		w.Errorf("a request made %+v", d.Keys)
	}
	_, err = w.service.Request(w.ctx, "root", domains.AddRequest{Name: "example.com"})
	w.refused(err, "already-managed")
	_, err = w.service.Enable(w.ctx, "root", "example.com", domains.EnableRequest{})
	w.refused(err, "TST-10")
	w.add("example.com")
	if d, err = w.service.Show(w.ctx, "example.com"); err != nil || d.Domain.Requested || d.Domain.Contact != "x@customer.example" {
		w.Errorf("%+v %v", d.Domain, err)
	}
}

func (w *world) user(match string) *domains.UserSigning {
	w.Helper()
	snap, err := w.service.Snapshot(w.ctx)
	w.must(err)
	for i := range snap.Users {
		if snap.Users[i].Match == match {
			return &snap.Users[i]
		}
	}
	w.Fatalf("no user %s", match)
	return nil
}

// A re-authenticating user takes no selector, and the snapshot says so.
func ma1(w *world) {
	w.connected("example.com")
	_, err := w.service.SetUser(w.ctx, "root", domains.User{Match: "sasl:alice", Reauth: true, Key: "example.com"})
	w.refused(err, "MA-1")
	_, err = w.service.SetUser(w.ctx, "root", domains.User{Match: "sasl:alice", Reauth: true})
	w.must(err)
	if u := w.user("sasl:alice"); !u.Reauth || len(u.Keys) != 0 {
		w.Errorf("%+v", u)
	}
}

func ma10(w *world) {
	added, err := w.service.Add(w.ctx, "root", domains.AddRequest{Name: "example.com", Bits: 1024})
	w.must(err)
	if k := added.Keys[0]; k.Bits != 1024 {
		w.Errorf("%d bits", k.Bits)
	}
	_, err = w.service.Add(w.ctx, "root", domains.AddRequest{Name: "example.org", Bits: 512})
	var bad *domains.Invalid
	if !errors.As(err, &bad) {
		w.Errorf("512 bits: %v", err)
	}
	if _, err := w.service.Show(w.ctx, "example.org"); err == nil {
		w.Error("a refused add left a row")
	}
}

// One action: the pair is stored when the command returns.
func ma11(w *world) {
	k := w.add("example.com", func(r *domains.AddRequest) { r.Selector = "yourselector-2022" })
	w.restart()
	private, err := w.service.Private(w.ctx, k.ID)
	w.must(err)
	if private.PublicRecord() != k.Record || k.Selector != "yourselector-2022" {
		w.Errorf("%+v", k)
	}
}

func ma12(w *world) {
	selector, err := domains.NewSelector("{name}-{yyyy}", "example.com", w.clock.Now())
	w.must(err)
	if selector != "example-com-2026" {
		w.Errorf("got %s", selector)
	}
	if _, err := domains.NewSelector("{nmae}-{yyyy}", "example.com", w.clock.Now()); err == nil {
		w.Error("an unknown word in a template was taken")
	}
}

// The same selector in the user's row, bare where it is unique.
func ma15(w *world) {
	k := w.connected("example.com", func(r *domains.AddRequest) { r.Selector = "shared" })
	u, err := w.service.SetUser(w.ctx, "root", domains.User{Match: "sasl:Alice", Key: "shared"})
	w.must(err)
	if u.Key != "example.com/shared" || u.Match != "sasl:alice" {
		w.Errorf("%+v", u)
	}
	if u := w.user("sasl:alice"); len(u.Keys) != 1 || u.Keys[0].ID != k.ID {
		w.Errorf("%+v", u)
	}
	w.add("example.org", func(r *domains.AddRequest) { r.Selector = "shared" })
	_, err = w.service.SetUser(w.ctx, "root", domains.User{Match: "sasl:bob", Key: "shared"})
	w.refused(err, "MA-15")
	_, err = w.service.SetUser(w.ctx, "root", domains.User{Match: "sasl:bob", Key: "nobody"})
	w.refused(err, "MA-15")
	_, err = w.service.SetUser(w.ctx, "root", domains.User{Match: "sasl:bob", Key: "example.com/other"})
	w.refused(err, "no-such-key")

	// Its successor after a rotation (ruling 12).
	added, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
	w.must(err)
	w.publish(added.Keys[0])
	w.live(time.Hour)
	if u := w.user("sasl:alice"); len(u.Keys) != 1 || u.Keys[0].ID != added.Keys[0].ID {
		w.Errorf("after a rotation: %+v", u)
	}
	w.must(w.service.DeleteUser(w.ctx, "root", "sasl:alice"))
	w.refused(w.service.DeleteUser(w.ctx, "root", "sasl:alice"), "no-such-user")
}

func ma16(w *world) {
	for _, test := range []struct{ match, want string }{
		{"sasl:Alice@Example.com", "sasl:alice@example.com"},
		{"sasl-domain:Bücher.example", "sasl-domain:xn--bcher-kva.example"},
		{"ip:192.0.2.0/24", "ip:192.0.2.0/24"},
		{"ip:2001:DB8::1", "ip:2001:db8::1"},
		{"daemon:ORIGINATING", "daemon:ORIGINATING"},
		{"ip:192.0.2.1/24", ""},
		{"ip:example.com", ""},
		{"sasl:", ""},
		{"login:alice", ""},
		{"sasl:a b", ""},
		{"sasl:a\x00b", ""},
		{"sasl:a\xff", ""},
		{"alice", ""},
	} {
		u, err := w.service.SetUser(w.ctx, "root", domains.User{Match: test.match})
		var bad *domains.Invalid
		if test.want == "" && !errors.As(err, &bad) || test.want != "" && (err != nil || u.Match != test.want) {
			w.Errorf("%s: %q %v, want %q", test.match, u.Match, err, test.want)
		}
	}
}

// What the order of decision needs: the domain's own key, whether its absence
// lets the user's key in, and the user's key.
func ma17(w *world) {
	own := w.connected("own.example")
	shared := w.connected("shared.example")
	w.add("pending.example")
	w.connected("disabled.example")
	_, err := w.service.Disable(w.ctx, "root", "disabled.example")
	w.must(err)
	_, err = w.service.SetUser(w.ctx, "root", domains.User{Match: "sasl:alice", Key: "shared.example"})
	w.must(err)
	snap, err := w.service.Snapshot(w.ctx)
	w.must(err)
	if s := snap.Domains["own.example"]; len(s.Keys) != 1 || s.Keys[0].ID != own.ID || s.Disabled {
		w.Errorf("own key: %+v", s)
	}
	if s := snap.Domains["pending.example"]; len(s.Keys) != 0 || s.Disabled || s.Why != "pending" {
		w.Errorf("pending, so the user's key is next: %+v", s)
	}
	if s := snap.Domains["disabled.example"]; !s.Disabled {
		w.Errorf("disabled, so nothing is next: %+v", s)
	}
	if snap.Domains["other.example"] != nil {
		w.Error("a domain without a row is in the snapshot")
	}
	if u := w.user("sasl:alice"); len(u.Keys) != 1 || u.Keys[0].ID != shared.ID {
		w.Errorf("user: %+v", u)
	}
}

// Generate, DNS, user field, with no verification between: by option only.
func ma19(w *world) {
	gated := w.add("gated.example")
	_, err := w.service.SetUser(w.ctx, "root", domains.User{Match: "sasl:gated", Key: "gated.example/" + gated.Selector})
	w.must(err)
	if u := w.user("sasl:gated"); len(u.Keys) != 0 || u.Why == "" {
		w.Errorf("the default has no gate: %+v", u)
	}
	k := w.add("free.example", func(r *domains.AddRequest) { r.Activation, r.Yes = domains.ActivateImmediate, true })
	_, err = w.service.SetUser(w.ctx, "root", domains.User{Match: "sasl:free", Key: "free.example/" + k.Selector})
	w.must(err)
	if u := w.user("sasl:free"); len(u.Keys) != 1 || u.Keys[0].ID != k.ID {
		w.Errorf("immediate: %+v", u)
	}
}
