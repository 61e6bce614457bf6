package filter

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
)

// TestLines has the lines of the checklist that only the filter as a whole can keep.
func TestLines(t *testing.T) {
	w, outside, good := receiver(t)
	forged := "Authentication-Results: mx.example.net; dkim=pass header.d=bank.example\r\n"

	t.Run("AR-5", func(t *testing.T) {
		delivered := string(deliver(t, outside, "Received: from x by y; now\r\n"+good).Delivered)
		if !strings.HasPrefix(delivered, "Authentication-Results: mx.example.net;\r\n\tdkim=pass ") {
			t.Errorf("not at the very top of\n%s", delivered)
		}
	})
	t.Run("AR-7", func(t *testing.T) {
		// Signed where our id is another's, so that the field is left in and covered.
		verifying, signing := w.snapshot.Verifying.AuthservID, w.snapshot.Signing.Headers
		covered, err := dkim.Selection{Sign: []string{"Authentication-Results"}}.Compile()
		if err != nil {
			t.Fatal(err)
		}
		w.snapshot.Verifying.AuthservID, w.snapshot.Signing.Headers = "mx.example.org", covered
		signed := string(deliver(t, w.dial(t), forged+plain).Delivered)
		w.snapshot.Verifying.AuthservID, w.snapshot.Signing.Headers = verifying, signing
		if !strings.Contains(signed, "h=Authentication-Results:") {
			t.Fatalf("the field is not covered in\n%s", signed)
		}
		delivered := string(deliver(t, outside, signed).Delivered)
		if results := authresOf([]byte(delivered)); len(results) != 1 || !strings.HasPrefix(results[0], "mx.example.net; dkim=pass ") || strings.Contains(delivered, "bank.example") {
			t.Errorf("it goes before the signature is verified, or stays:\n%s", delivered)
		}
	})
	t.Run("SE-6", func(t *testing.T) {
		delivered := string(deliver(t, outside, strings.Repeat(forged+"AUTHENTICATION-RESULTS:\r\n (x) \"mx.example.net\" 1;dkim=pass header.d=bank.example\r\n", 200)+plain).Delivered)
		if results := authresOf([]byte(delivered)); len(results) != 1 || results[0] != "mx.example.net; dkim=none" || strings.Contains(delivered, "bank.example") {
			t.Errorf("what is left of many forged fields: %q", results)
		}
	})
	t.Run("SE-10", func(t *testing.T) {
		for name, raw := range map[string]string{"unsigned": plain, "with a signature": "DKIM-Signature: v=1; a=x; d=example.com; s=s\r\n" + plain} {
			delivered := string(deliver(t, outside, raw).Delivered)
			if strings.Count(delivered, "DKIM-Signature:") != strings.Count(raw, "DKIM-Signature:") {
				t.Errorf("%s: a client that we do not know got our signature:\n%s", name, delivered)
			}
		}
	})
}
