package verifier

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/postseal/postseal/dkim"
)

func TestNoSignature(t *testing.T) {
	m := newVerifier(zone{}, Options{}).Begin(t.Context(), new(dkim.Fields))
	defer m.Release()
	if !m.Done() {
		t.Error("wants the body")
	}
	m.Write([]byte("body"))
	if got := m.Finish(); !reflect.DeepEqual(got, []Result{{Status: dkim.None}}) {
		t.Errorf("%+v", got)
	}
	if m.Signatures() != 0 || !reflect.DeepEqual(m.Explain(0), Explanation{}) {
		t.Error("there is something to explain")
	}
}

func statuses(results []Result) (words []string) {
	for _, r := range results {
		words = append(words, string(r.Status)+" "+string(r.Reason))
	}
	return words
}

// Signatures of all kinds on one message, each with its own verdict, in the order of the header.
func TestEachItsOwn(t *testing.T) {
	m := seal(t, plain, rsaKey(), "s=a")
	m = seal(t, m, edKey(), "s=b", "c=simple/simple")
	m = seal(t, m, rsaKey(), "s=a", "l=4", "c=relaxed/simple")
	m = seal(t, m, rsaKey(), "s=nowhere")
	m = seal(t, m, rsaKey(), "s=a", "bh=YWJj")
	m = seal(t, m, edKey(), "s=b", "h=From:DKIM-Signature:DKIM-Signature") // VF-12: other signatures are plain fields
	m = "DKIM-Signature: nonsense\r\n" + m
	z := zone{"a._domainkey.example.com": {txt: []string{rsaKey().record}}, "b._domainkey.example.com": {txt: []string{edKey().record}}}
	want := []string{"neutral signature-syntax", "pass ", "fail body-hash", "permerror no-key", "policy partial-body", "pass ", "pass "}
	t.Run("VF-23", func(t *testing.T) {
		r := verify(t, newVerifier(z, Options{}), m, 7)
		if got := statuses(r); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if r[5].Domain != "example.com" || r[5].Selector != "b" || r[5].Algorithm != "ed25519-sha256" { // VF-25
			t.Errorf("%+v", r[5])
		}
	})
	t.Run("VF-12/b= of others counts", func(t *testing.T) {
		changed := strings.Replace(m, " b=", " b=AAAA", 5)
		if r := verify(t, newVerifier(z, Options{}), changed, 7); r[1].Status == pass {
			t.Errorf("%+v", r[1])
		}
	})
	t.Run("VF-27", func(t *testing.T) { // what is not pass never says more than that there is no good signature
		for _, r := range verify(t, newVerifier(z, Options{}), m, 7) {
			if r.Status != pass && (r.Err == nil || r.Reason == "") {
				t.Errorf("%+v", r)
			}
		}
	})
	t.Run("BC-7/random splits", func(t *testing.T) {
		fields, start, err := dkim.ParseFields([]byte(m))
		if err != nil {
			t.Fatal(err)
		}
		v := newVerifier(z, Options{})
		for seed := range uint64(200) {
			random := rand.New(rand.NewPCG(seed, 4))
			message := v.Begin(t.Context(), fields)
			for rest := []byte(m[start:]); len(rest) > 0; {
				n := min(len(rest), random.IntN(9))
				message.Write(rest[:n])
				rest = rest[n:]
			}
			if got := statuses(message.Finish()); !slices.Equal(got, want) {
				t.Fatalf("seed %d: %q, want %q", seed, got, want)
			}
			message.Release()
		}
	})
	t.Run("many at once", func(t *testing.T) { // state from the pool is nobody else's
		v := newVerifier(z, Options{})
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for i := range 30 {
					if got := statuses(verify(t, v, m, 1+i)); !slices.Equal(got, want) {
						t.Errorf("%q, want %q", got, want)
					}
					if got := verify(t, v, plain, 1+i); got[0].Status != dkim.None {
						t.Errorf("%+v", got)
					}
				}
			})
		}
		group.Wait()
	})
}

// Several l= share a hash, with each other and with a signature of the whole body.
func TestBodyLengths(t *testing.T) {
	text := body(plain)
	for _, c := range []string{"simple/simple", "relaxed/relaxed"} {
		for _, whole := range []bool{false, true} {
			t.Run(fmt.Sprintf("VF-15/%s/whole=%v", c, whole), func(t *testing.T) {
				m := plain
				var want []string
				for i, l := range []int{5, 0, 1000, 17, 5, 6} {
					tag := []string{"c=" + c, fmt.Sprintf("l=%d", l), fmt.Sprintf("foo=%d", i)}
					m = seal(t, m, edKey(), tag...)
					if l > len(text) {
						want = append(want, "permerror body-length")
					} else {
						want = append(want, "policy partial-body")
					}
				}
				if whole {
					m = seal(t, m, edKey(), "c="+c)
					want = append(want, "pass ")
				}
				slices.Reverse(want)
				for chunk := 1; chunk < 20; chunk++ {
					if got := statuses(verify(t, newVerifier(publish(edKey().record), Options{}), m, chunk)); !slices.Equal(got, want) {
						t.Fatalf("chunks of %d: %q, want %q", chunk, got, want)
					}
				}
			})
		}
	}
}

// Done is true once all l= are hashed and known to be less than the body, and stays so; never when somebody signed all.
func TestDone(t *testing.T) {
	begin := func(message string) *Message {
		fields, _, err := dkim.ParseFields([]byte(message))
		if err != nil {
			t.Fatal(err)
		}
		m := newVerifier(publish(edKey().record), Options{}).Begin(t.Context(), fields)
		t.Cleanup(m.Release)
		return m
	}
	big := bytes.Repeat([]byte("0123456789\r\n"), 1000)
	long := plain + string(big)
	start := []byte(body(plain))

	t.Run("prefix", func(t *testing.T) {
		m := begin(seal(t, seal(t, long, edKey(), "l=10"), edKey(), "l=20", "c=simple"))
		if m.Done() {
			t.Fatal("before the body")
		}
		m.Write(start[:15])
		if m.Done() {
			t.Fatal("before 20 octets")
		}
		m.Write(start[15:])
		m.Write(big)
		if !m.Done() {
			t.Fatal("still wants more")
		}
		if got := statuses(m.Finish()); !slices.Equal(got, []string{"policy partial-body", "policy partial-body"}) {
			t.Errorf("%q", got)
		}
	})
	t.Run("whole", func(t *testing.T) {
		m := begin(seal(t, seal(t, long, edKey(), "l=10"), edKey()))
		m.Write(start)
		m.Write(big)
		if m.Done() {
			t.Fatal("skips what is signed")
		}
		if got := statuses(m.Finish()); !slices.Equal(got, []string{"pass ", "policy partial-body"}) {
			t.Errorf("%q", got)
		}
	})
	t.Run("exactly as long", func(t *testing.T) {
		m := begin(seal(t, plain, edKey(), fmt.Sprintf("l=%d", len(start)), "c=simple"))
		m.Write(start)
		if m.Done() {
			t.Fatal("more may come")
		}
		if got := statuses(m.Finish()); !slices.Equal(got, []string{"pass "}) {
			t.Errorf("%q", got)
		}
	})
	t.Run("all but the final CRLF", func(t *testing.T) {
		line := strings.Repeat("x", 5000)
		m := begin(seal(t, plain[:len(plain)-len(start)]+line+"\r\n", edKey(), "l=5000", "c=simple"))
		m.Write([]byte(line))
		if !m.Done() {
			t.Fatal("still wants more")
		}
		if got := statuses(m.Finish()); !slices.Equal(got, []string{"policy partial-body"}) {
			t.Errorf("%q", got)
		}
	})
	t.Run("nothing to verify", func(t *testing.T) {
		if m := begin(seal(t, plain, edKey(), "v=2")); !m.Done() {
			t.Error("wants the body")
		}
	})
}

func TestLimits(t *testing.T) {
	v := newVerifier(publish(edKey().record), Options{})
	t.Run("T36", func(t *testing.T) {
		m := seal(t, plain, edKey())
		for i := range 100 {
			m = seal(t, m, edKey(), fmt.Sprintf("foo=%d", i), "b=YWJj")
		}
		r := verify(t, v, m, 100)
		if len(r) != maxSeen || r[9].Status != fail || r[10].Status != policy || r[10].Reason != dkim.ReasonLimit || r[49].Reason != dkim.ReasonLimit {
			t.Errorf("%q", statuses(r))
		}
	})
	t.Run("VF-24/those without a chance do not count", func(t *testing.T) {
		m := seal(t, plain, edKey())
		for range 30 {
			m = seal(t, m, edKey(), "v=2")
		}
		if r := verify(t, v, m, 100); len(r) != 31 || r[30].Status != pass {
			t.Errorf("%q", statuses(r))
		}
	})
	t.Run("VF-24/option", func(t *testing.T) {
		m := seal(t, seal(t, seal(t, plain, edKey()), edKey()), edKey())
		r := verify(t, newVerifier(publish(edKey().record), Options{MaxSignatures: 2}), m, 100)
		if got := statuses(r); !slices.Equal(got, []string{"pass ", "pass ", "policy limit"}) {
			t.Errorf("%q", got)
		}
	})
	t.Run("SE-4/h=", func(t *testing.T) {
		names := strings.Repeat(":X", 999)
		runRows(t, []row{
			{name: "most", key: edKey(), tags: tags("h=From" + names), status: pass},
			{name: "more", key: edKey(), tags: tags("h=From:To" + names), status: policy, reason: dkim.ReasonLimit},
			{name: "option", key: edKey(), tags: tags("h=From:To:Cc"), options: Options{MaxHeaderListLength: 2}, status: policy, reason: dkim.ReasonLimit},
		})
	})
	t.Run("SE-4/field of 100 KB", func(t *testing.T) {
		row{key: edKey(), tags: tags("foo=" + strings.Repeat("x", 100_000)), status: policy, reason: dkim.ReasonLimit}.run(t)
	})
	t.Run("SE-4/10000 fields", func(t *testing.T) {
		m := strings.Repeat("Received: x\r\n", 10_000) + plain
		for i := range 10 {
			m = seal(t, m, edKey(), "h=From"+strings.Repeat(":Received", 999), fmt.Sprintf("foo=%d", i))
		}
		for _, r := range verify(t, v, m, 100) {
			if r.Status != pass {
				t.Errorf("%+v", r)
			}
		}
	})
	t.Run("SE-4/many records", func(t *testing.T) {
		txt := append(slices.Repeat([]string{"hello"}, 1000), edKey().record)
		if r := verify(t, newVerifier(publish(txt...), Options{}), seal(t, plain, edKey()), 100); r[0].Reason != dkim.ReasonKeySyntax {
			t.Errorf("%q", statuses(r))
		}
	})
	t.Run("SE-5", func(t *testing.T) {
		r := verify(t, v, seal(t, plain, edKey(), "s=mail\u2024x"), 100)
		if r[0].Status != neutral || r[0].Selector != "" {
			t.Errorf("%+v", r[0])
		}
	})
	t.Run("SE-1", func(t *testing.T) {
		for _, tag := range []string{"l=0", "l=4"} {
			row{key: edKey(), tags: tags(tag), alter: behind("--x\nContent-Type: text/html\n\nPay here\n"), status: policy, reason: dkim.ReasonPartialBody}.run(t)
		}
	})
	t.Run("SE-3", func(t *testing.T) { // the age of a signature is reported
		row{key: edKey(), tags: tags("t=1600000000"), status: pass, also: func(t testing.TB, r Result) {
			if r.Time.Unix() != 1_600_000_000 {
				t.Errorf("t=%v", r.Time)
			}
		}}.run(t)
	})
	t.Run("SE-7", func(t *testing.T) { // reasons are words of ours, whatever the message holds
		for _, tag := range []string{"a=x\x7f", "d=a\";b", "s=a)b", "i=\"; dkim=pass\"", "q=;", "c=(x)"} {
			r := verify(t, v, seal(t, plain, edKey(), tag), 100)[0]
			if strings.ContainsAny(string(r.Reason)+r.Domain+r.Selector+r.Algorithm+r.BPrefix, " \r\n\t;()\"\\") {
				t.Errorf("%+v", r)
			}
		}
	})
}

func TestBPrefix(t *testing.T) {
	tests := []struct {
		name string
		b    []string
		want []string
	}{
		{"AR-4/eight", []string{"abcdefghijkl"}, []string{"abcdefgh"}},
		{"AR-4/different", []string{"abcdefghijkl", "Abcdefghijkl"}, []string{"abcdefgh", "Abcdefgh"}},
		{"AR-4/clash", []string{"abcdefghijkl", "abcdefghiXkl", "zzzzzzzzz"}, []string{"abcdefghij", "abcdefghiX", "zzzzzzzz"}},
		{"AR-4/beginning of another", []string{"abcdefgh", "abcdefghij"}, []string{"abcdefgh", "abcdefghi"}},
		{"AR-4/copies", []string{"abcdefghijkl", "abcdefghijkl"}, []string{"abcdefgh", "abcdefgh"}},
		{"AR-4/short and none", []string{"YWJj", "", ""}, []string{"YWJj", "", ""}},
		{"AR-4/bounded", []string{strings.Repeat("a", 500) + "b", strings.Repeat("a", 501)}, []string{strings.Repeat("a", 64), strings.Repeat("a", 64)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i := range tt.b {
				if got := bPrefix(tt.b, i); got != tt.want[i] {
					t.Errorf("%d: %q, want %q", i, got, tt.want[i])
				}
			}
		})
	}
	r := verify(t, newVerifier(publish(edKey().record), Options{}), seal(t, plain, edKey(), "b=YWJjZGVm\r\n Z2hp"), 100)
	if r[0].BPrefix != "YWJjZGVm" {
		t.Errorf("%q", r[0].BPrefix)
	}
}

func TestExplain(t *testing.T) {
	message := seal(t, plain, edKey(), "h=From:To:To", "c=relaxed/simple")
	fields, start, err := dkim.ParseFields([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	m := newVerifier(publish(edKey().record), Options{}).Begin(t.Context(), fields)
	defer m.Release()
	m.Write([]byte(message[start:]))
	r := m.Finish()
	e := m.Explain(0)
	if r[0].Status != pass || !slices.Equal(e.Instances, []int{1, 2}) || !bytes.Equal(e.BodyHash, e.Signature.BodyHash) ||
		e.BodyOctets != int64(len(body(plain))) || e.KeyName != mailKey || !slices.Equal(e.Records, []string{edKey().record}) {
		t.Errorf("%+v\n%+v", r, e)
	}
	input := string(e.HeaderInput)
	if !strings.HasPrefix(input, "from:Alice <alice@example.com>\r\nto:Bob <bob@example.net>\r\ndkim-signature:v=1; ") || !strings.HasSuffix(input, " b=") {
		t.Errorf("%q", input)
	}
}

// A text is parsed once; what is used stays when others come and go, and the cache is bounded.
func TestRecordCache(t *testing.T) {
	var c recordCache
	first, err := c.parse(rsaKey().record)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 * maxGeneration {
		if _, err := c.parse(fmt.Sprintf("v=DKIM1; n=%d; p=", i)); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 {
			if again, _ := c.parse(rsaKey().record); again != first {
				t.Fatalf("parsed again after %d others", i)
			}
		}
		if len(c.young)+len(c.old) > 2*maxGeneration {
			t.Fatalf("%d records", len(c.young)+len(c.old))
		}
	}
	var fault *dkim.Fault
	for range 2 {
		if _, err := c.parse("hello"); !errors.As(err, &fault) {
			t.Errorf("%v", err)
		}
	}
	if _, err := c.parse("v=DKIM1; p=; n=" + strings.Repeat("x", maxCachedText)); err != nil || len(c.young)+len(c.old) > 2*maxGeneration {
		t.Error(err)
	}
}
