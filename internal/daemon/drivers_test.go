package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// The last [[driver]] was taken out of the configuration: what it had to write is not
// forgotten in silence.
func TestDriverThatIsNotConfigured(t *testing.T) {
	o, _ := managedDaemon(t, nil)
	before := domains.New(domains.Options{Store: o.Store}) // knows of no drivers, and refuses none
	if _, err := before.Add(t.Context(), "root", domains.AddRequest{Name: "example.com", Driver: "ns", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * patience); ; time.Sleep(5 * time.Millisecond) {
		d, err := o.Service.Show(t.Context(), "example.com")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(d.Status.Text, "there is no driver ns in the configuration") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the status says %q", d.Status.Text)
		}
	}
}
