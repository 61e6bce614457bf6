package filter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	ours "github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/dkim/canon"
	"github.com/postseal/postseal/internal/netlist"
	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/keytable"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/miltertest"
	"github.com/postseal/postseal/signer"
	"github.com/postseal/postseal/verifier"
)

// world is a filter behind a real server, with a snapshot that a test may
// change, and its log.
type world struct {
	snapshot *Snapshot
	record   string // the public record of the one key, example.com/s
	address  string
	gate     Gate
	log      safeBuffer
	events   chan Event
}

// safeBuffer collects the log and tells when something was written.
type safeBuffer struct {
	mu sync.Mutex
	bytes.Buffer
	wrote chan struct{}
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.wrote <- struct{}{}:
	default:
	}
	return b.Buffer.Write(p)
}

// await waits for a message's line with a reason.
func (b *safeBuffer) await(t *testing.T, reason string) {
	t.Helper()
	for patience := time.After(2 * time.Minute); ; {
		for _, line := range b.lines(t) {
			if line["reason"] == reason {
				return
			}
		}
		select {
		case <-b.wrote:
		case <-patience:
			t.Fatalf("no line with reason %s in %v", reason, b.lines(t))
		}
	}
}

// lines gives the log of messages so far.
func (b *safeBuffer) lines(t *testing.T) (all []map[string]any) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for line := range bytes.Lines(b.Bytes()) {
		fields := map[string]any{}
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatal(err)
		}
		if fields["msg"] == "message" {
			all = append(all, fields)
		}
	}
	return all
}

// newWorld has a listener that only signs.
func newWorld(t testing.TB) *world { return newWorldFor(t, policy.SignOnly) }

func newWorldFor(t testing.TB, mode policy.Mode) *world {
	t.Helper()
	dir := t.TempDir()
	key, err := ours.Generate(ours.Ed25519SHA256, 0)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := key.PEM()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"key.pem": string(pem), "keytable": "k example.com:s:./key.pem\n", "signingtable": "*@example.com k\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tables, err := keytable.Load(keytable.Options{KeyTable: filepath.Join(dir, "keytable"), SigningTable: "refile:" + filepath.Join(dir, "signingtable")})
	if err != nil {
		t.Fatal(err)
	}
	networks, _ := netlist.Parse([]string{"127.0.0.1"})
	peers, _ := netlist.Parse([]string{"192.0.2.99"})
	w := &world{log: safeBuffer{wrote: make(chan struct{}, 1)}, events: make(chan Event, 100), record: key.PublicRecord(), snapshot: &Snapshot{
		Snapshot:  &policy.Snapshot{Tables: tables, Trust: policy.Trust{Networks: networks}, Peers: peers, SenderHeaders: []string{"From"}},
		Signing:   signer.Options{Canonicalization: canon.Pair{Header: canon.Relaxed, Body: canon.Relaxed}},
		Verifying: Verifying{Verifier: verifier.New(ownKeys(nil), verifier.Options{}), AuthservID: "mx.example.net", ReportUnsigned: true},
		Limits:    Limits{HeaderBytes: 1 << 20, HeaderFields: 1000},
	}}
	w.serve(t, mode)
	return w
}

func (w *world) serve(t testing.TB, mode policy.Mode) {
	t.Helper()
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	w.address = ln.Addr().String()
	log := slog.New(slog.NewJSONHandler(&w.log, nil))
	w.gate = NewGate(0)
	server := &milter.Server{
		Handler: &Handler{Current: func() *Snapshot { return w.snapshot }, Mode: mode, Log: log, Gate: w.gate, Observe: w.observe},
		Log:     log, Limits: milter.Limits{FrameBytes: 100_000},
	}
	server.Actions, server.Required, server.Steps = Negotiation(mode)
	done := make(chan struct{})
	go func() { defer close(done); server.Serve(ln) }()
	t.Cleanup(func() { server.Shutdown(context.Background()); <-done })
}

func (w *world) dial(t testing.TB) *miltertest.MTA {
	t.Helper()
	mta, err := miltertest.Dial("unix", w.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mta.Close() })
	if _, err := mta.Negotiate(miltertest.PostfixOffer); err != nil {
		t.Fatal(err)
	}
	mta.Client = miltertest.Client{Host: "localhost", Family: milter.FamilyIPv4, Port: 1, Addr: "127.0.0.1"}
	mta.Macros = map[string]string{"i": "4bTEST"}
	return mta
}

func deliver(t testing.TB, mta *miltertest.MTA, raw string) miltertest.Result {
	t.Helper()
	result, err := mta.Send(miltertest.Message{From: "<a@example.com>", To: []string{"<b@example.net>"}, Raw: []byte(raw)})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// verify asks go-msgauth about the delivered message.
func (w *world) verify(t *testing.T, delivered []byte) error {
	t.Helper()
	verdicts, err := dkim.VerifyWithOptions(bytes.NewReader(delivered), &dkim.VerifyOptions{
		LookupTXT: func(string) ([]string, error) { return []string{w.record}, nil },
	})
	if err != nil {
		return err
	}
	if len(verdicts) != 1 {
		return fmt.Errorf("%d signatures", len(verdicts))
	}
	return verdicts[0].Err
}

const plain = "From: a@example.com\r\nTo: b@example.net\r\nSubject:  two  blanks\r\n\tand a fold\r\n\r\nHello\r\n"

func TestSignedAsDelivered(t *testing.T) {
	w := newWorld(t)
	for _, style := range []miltertest.Style{miltertest.Postfix, miltertest.Sendmail} {
		mta := w.dial(t)
		mta.Style = style
		for range 3 { // messages on one connection
			delivered := deliver(t, mta, plain).Delivered
			if err := w.verify(t, delivered); err != nil {
				t.Errorf("style %v: %v in\n%s", style, err, delivered)
			}
			if err := w.verify(t, bytes.Replace(delivered, []byte("Hello"), []byte("Hallo"), 1)); err == nil {
				t.Error("a changed body verifies")
			}
		}
	}
}

// The field goes to the very top, with hashes of body and header.
func TestFieldIsAdded(t *testing.T) {
	w := newWorld(t)
	headers, err := ours.Default().Compile()
	if err != nil {
		t.Fatal(err)
	}
	w.snapshot.Signing.Headers = headers
	delivered := deliver(t, w.dial(t), "Received: x\r\n"+plain).Delivered
	changed := func(from, to string) bool {
		return w.verify(t, bytes.Replace(delivered, []byte(from), []byte(to), 1)) != nil
	}
	t.Run("MA-5", func(t *testing.T) {
		if err := w.verify(t, delivered); err != nil || !bytes.HasPrefix(delivered, []byte("DKIM-Signature: ")) || !bytes.Contains(delivered, []byte("bh=")) {
			t.Errorf("%v in\n%s", err, delivered)
		}
		if !changed("Hello", "Hallo") {
			t.Error("a changed body verifies")
		}
	})
	t.Run("MA-3", func(t *testing.T) {
		if !changed("and a fold", "and another") {
			t.Error("a changed subject verifies")
		}
		if changed("Received: x", "Received: y") {
			t.Error("what every host adds and changes is covered")
		}
	})
}

// Simple canonicalization keeps every octet, so what we hashed must be what the
// MTA delivers, the blank after the colon included, whether it was negotiated or
// put back.
func TestSimpleCanonicalization(t *testing.T) {
	w := newWorld(t)
	w.snapshot.Signing.Canonicalization = canon.Pair{}
	without := miltertest.PostfixOffer
	without.Steps &^= milter.StepLeadingSpace
	for name, offer := range map[string]miltertest.Offer{"with leading space": miltertest.PostfixOffer, "without": without} {
		t.Run(name, func(t *testing.T) {
			mta, err := miltertest.Dial("unix", w.address)
			if err != nil {
				t.Fatal(err)
			}
			defer mta.Close()
			if _, err := mta.Negotiate(offer); err != nil {
				t.Fatal(err)
			}
			mta.Client = miltertest.Client{Host: "localhost", Family: milter.FamilyIPv4, Port: 1, Addr: "127.0.0.1"}
			delivered := deliver(t, mta, plain+"\r\n\r\n").Delivered
			if err := w.verify(t, delivered); err != nil {
				t.Errorf("%v in\n%s", err, delivered)
			}
		})
	}
}

func TestHeaderLimits(t *testing.T) {
	for name, c := range map[string]struct {
		limits Limits
		fields int // beside From
		want   string
	}{
		"as many fields as allowed": {Limits{HeaderBytes: 1 << 20, HeaderFields: 10}, 9, "signed"},
		"one field more":            {Limits{HeaderBytes: 1 << 20, HeaderFields: 10}, 10, "unsigned"},
		"as many bytes as allowed":  {Limits{HeaderBytes: 21 + 10*8, HeaderFields: 100}, 10, "signed"},
		"one byte more":             {Limits{HeaderBytes: 20 + 10*8, HeaderFields: 100}, 10, "unsigned"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.snapshot.Limits = c.limits
			raw := "From: a@example.com\r\n" + strings.Repeat("X: abc\r\n", c.fields) + "\r\nbody\r\n"
			result := deliver(t, w.dial(t), raw)
			line := w.log.lines(t)[0]
			if line["decision"] != c.want || (c.want == "unsigned") != (line["reason"] == "limit") {
				t.Errorf("logged %v", line)
			}
			if (len(result.Modifications) == 1) != (c.want == "signed") || !result.Reply.Continues() && result.Reply.Code != 'a' {
				t.Errorf("answered %v, %v", result.Reply, result.Modifications)
			}
		})
	}
}

// A field over the frame limit cannot be signed; the message leaves as it is,
// and the next one on the connection is signed.
func TestOversizedField(t *testing.T) {
	w := newWorld(t)
	mta := w.dial(t)
	result := deliver(t, mta, "From: a@example.com\r\nX: "+strings.Repeat("x", 120_000)+"\r\n\r\nbody\r\n")
	if len(result.Modifications) != 0 || result.Delivered == nil {
		t.Errorf("answered %v, %v", result.Reply, result.Modifications)
	}
	if result := deliver(t, mta, plain); len(result.Modifications) != 1 {
		t.Errorf("the next message: %v", result.Reply)
	}
	lines := w.log.lines(t)
	if len(lines) != 2 || lines[0]["reason"] != "limit" || lines[1]["decision"] != "signed" {
		t.Errorf("logged %v", lines)
	}
}

// A fault in our own code concerns one message: it leaves as it is, or waits,
// and the connection goes on.
func TestPanicIsOneMessagesAlone(t *testing.T) {
	for _, defers := range []bool{false, true} {
		w := newWorld(t)
		good := w.snapshot
		broken := *good
		broken.Snapshot = &policy.Snapshot{Trust: good.Trust, SenderHeaders: good.SenderHeaders} // no tables: a nil pointer in the decision
		broken.FaultDefers = defers
		mta := w.dial(t)
		if result := deliver(t, mta, plain); len(result.Modifications) != 1 {
			t.Fatalf("before: %v", result.Reply)
		}
		w.snapshot = &broken
		result := deliver(t, mta, plain)
		if deferred := result.Reply.SMTP == 451; deferred != defers || len(result.Modifications) != 0 {
			t.Errorf("defers=%v: answered %v", defers, result.Reply)
		}
		w.snapshot = good
		if result := deliver(t, mta, plain); len(result.Modifications) != 1 {
			t.Errorf("after: %v", result.Reply)
		}
		lines := w.log.lines(t)
		if len(lines) != 3 || lines[1]["reason"] != "internal-error" || lines[2]["decision"] != "signed" {
			t.Errorf("logged %v", lines)
		}
	}
}

// An MTA that tells the queue id not before the end of the message tells it soon enough for the log.
func TestQueueIDThatComesLate(t *testing.T) {
	for _, mode := range []policy.Mode{policy.SignOnly, policy.VerifyOnly} {
		w := newWorldFor(t, mode)
		mta := w.dial(t)
		if _, err := mta.Connect(mta.Client); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"4bFIRST", "4bSECOND"} {
			_, mail := mta.Mail("<a@example.com>")
			_, header := mta.Header("From", " a@example.com")
			_, eoh := mta.EOH()
			macro := mta.Macro(milter.CmdEOM, "i", id)
			_, _, eom := mta.EOM()
			if err := errors.Join(mail, header, eoh, macro, eom); err != nil {
				t.Fatal(err)
			}
		}
		if lines := w.log.lines(t); len(lines) != 2 || lines[0]["queue_id"] != "4bFIRST" || lines[1]["queue_id"] != "4bSECOND" {
			t.Errorf("mode %v: logged %v", mode, lines)
		}
	}
}

// Whoever asks why mail of a domain was not signed looks for the domain in the log.
func TestUnsignedMailIsLoggedWithItsSender(t *testing.T) {
	w := newWorld(t)
	mta := w.dial(t)
	mta.Client = miltertest.Client{Host: "[192.0.2.1]", Family: milter.FamilyIPv4, Port: 1, Addr: "192.0.2.1"}
	deliver(t, mta, plain)
	if lines := w.log.lines(t); len(lines) != 1 || lines[0]["reason"] != string(policy.NotTrusted) || lines[0]["from"] != "example.com" {
		t.Errorf("logged %v", lines)
	}
}

func TestPeersAreNotOurs(t *testing.T) {
	w := newWorld(t)
	mta := w.dial(t)
	mta.Client = miltertest.Client{Host: "[192.0.2.99]", Family: milter.FamilyIPv4, Port: 1, Addr: "192.0.2.99"}
	if result := deliver(t, mta, plain); len(result.Modifications) != 0 {
		t.Errorf("answered %v", result.Modifications)
	}
	if lines := w.log.lines(t); len(lines) != 0 {
		t.Errorf("logged %v", lines)
	}
}

// The MTA may drop a message after it was decided to sign it: one line says so,
// however the message ends.
func TestAbort(t *testing.T) {
	for _, ending := range []string{"abort", "close"} {
		t.Run(ending, func(t *testing.T) {
			w := newWorld(t)
			mta := w.dial(t)
			deliver(t, mta, plain)
			begun := func() error {
				_, mail := mta.Mail("<a@example.com>")
				_, header := mta.Header("From", " a@example.com")
				_, eoh := mta.EOH()
				_, body := mta.Body([]byte("half of it"))
				return errors.Join(mail, header, eoh, body)
			}
			if err := begun(); err != nil {
				t.Fatal(err)
			}
			if ending == "close" {
				mta.Close()
				w.log.await(t, "mta-abort")
				return
			}
			if err := errors.Join(mta.Abort(), mta.Abort()); err != nil { // Postfix sends two at QUIT
				t.Fatal(err)
			}
			deliver(t, mta, plain)
			if lines := w.log.lines(t); len(lines) != 3 || lines[1]["decision"] != "aborted" || lines[1]["reason"] != "mta-abort" {
				t.Errorf("logged %v", lines)
			}
		})
	}
}

// What a content filter hands back to the MTA carries our signature already. If
// it changed the message the signature is broken, and ours is made anew.
func TestNoSecondIdenticalSignature(t *testing.T) {
	w := newWorld(t)
	mta := w.dial(t)
	once := deliver(t, mta, plain).Delivered
	if again := deliver(t, mta, string(once)); len(again.Modifications) != 0 {
		t.Errorf("signed twice: %v", again.Modifications)
	}
	changed := bytes.Replace(once, []byte("Hello"), []byte("Hello, says the filter"), 1)
	if again := deliver(t, mta, string(changed)); len(again.Modifications) != 1 {
		t.Errorf("a changed message: %v", again.Reply)
	}
	foreign := strings.Replace(string(once), "s=s;", "s=other;", 1)
	if again := deliver(t, mta, foreign); len(again.Modifications) != 1 {
		t.Errorf("a message with another's signature: %v", again.Reply)
	}
	var reasons []any
	for _, line := range w.log.lines(t) {
		reasons = append(reasons, line["reason"])
	}
	if got := fmt.Sprint(reasons); got != "[signing-table already-signed signing-table signing-table]" {
		t.Errorf("reasons %s", got)
	}
}

// So many fields to sign that no MTA takes the signature: a limit, not a fault.
func TestTooManyFieldsToSign(t *testing.T) {
	w := newWorld(t)
	w.snapshot.Limits.HeaderFields = 5000
	result := deliver(t, w.dial(t), "From: a@example.com\r\n"+strings.Repeat("Content-Transfer-Encoding: 7bit\r\n", 3000)+"\r\nbody\r\n")
	if line := w.log.lines(t)[0]; line["decision"] != "unsigned" || line["reason"] != "limit" || len(result.Modifications) != 0 {
		t.Errorf("logged %v, answered %v", line, result.Reply)
	}
}

func TestWarnings(t *testing.T) {
	w := newWorld(t)
	mta := w.dial(t)
	deliver(t, mta, plain+"caf\xe9\r\n"+strings.Repeat("x", 1200)+"\r\n")
	if got := w.log.lines(t)[0]["warnings"]; got != "eight-bit-body,long-line" {
		t.Errorf("warnings %v", got)
	}
}

// BenchmarkMessage is a 4 KB message through a unix socket, the MTA's work
// included; make bench-check measures the daemon alone.
func BenchmarkMessage(b *testing.B) {
	w := newWorld(b)
	mta := w.dial(b)
	raw := plain + strings.Repeat("The quick brown fox jumps over the lazy dog, and then again.\r\n", 60)
	b.ReportAllocs()
	for b.Loop() {
		deliver(b, mta, raw)
	}
}
