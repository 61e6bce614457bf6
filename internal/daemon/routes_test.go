package daemon

import (
	"testing"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/milter/miltertest"
)

// TestRoutes: mail that leaves through a service which signs by itself comes in at a
// listener of its own, of which [[user]] says that nothing is signed.
func TestRoutes(t *testing.T) {
	o, _ := managedDaemon(t, map[string]string{"more": `trusted_daemons = ["ORIGINATING", "TO-RELAY"]
[[user]]
match = "daemon:TO-RELAY"
sign = false
`})
	o.add(domains.AddRequest{Name: "managed.example", Selector: "s1", Activation: domains.ActivateImmediate, Yes: true})
	by := func(t *testing.T, daemon, from, want string) {
		t.Helper()
		client := o.mta.Client
		o.mta = o.daemon.dial(t)
		o.mta.Client, o.mta.Macros["{daemon_name}"] = client, daemon
		if got := o.send(from); got != want {
			t.Errorf("%s by %s: got %q, want %q", from, daemon, got, want)
		}
	}
	t.Run("KAR-3", func(t *testing.T) { by(t, "TO-RELAY", "ada@managed.example", "unsigned user-disabled") })
	t.Run("KAR-30", func(t *testing.T) {
		by(t, "ORIGINATING", "ada@managed.example", "signed managed-key managed.example/s1")
		by(t, "TO-RELAY", "ada@managed.example", "unsigned user-disabled")
		by(t, "ORIGINATING", "ada@managed.example", "signed managed-key managed.example/s1")
	})
	t.Run("KAR-31", func(t *testing.T) { // nobody is asked to set up what the service signs
		by(t, "TO-RELAY", "ada@relayed.example", "unsigned user-disabled")
		by(t, "ORIGINATING", "ada@ours.example", "unsigned no-key")
		o.daemon.stop() // reports what it saw
		got, err := o.Service.Candidates(t.Context())
		if err != nil || len(got) != 1 || got[0].Domain != "ours.example" {
			t.Errorf("candidates %+v, %v", got, err)
		}
	})
}

// KAR-6: the domain of From signs, not that of the envelope, of the login or of another
// managed domain.
func TestTheDomainOfFromSigns(t *testing.T) {
	o, _ := managedDaemon(t, nil)
	for _, name := range []string{"one.example", "two.example"} {
		o.add(domains.AddRequest{Name: name, Selector: "s1", Activation: domains.ActivateImmediate, Yes: true})
	}
	o.mta.Macros["{auth_type}"], o.mta.Macros["{auth_authen}"] = "PLAIN", "ada@two.example"
	t.Run("KAR-6", func(t *testing.T) {
		for from, want := range map[string]string{
			"ada@one.example": "one.example/s1", "Two <ada@TWO.example>": "two.example/s1", "ada@three.example": "", "ada@sub.one.example": "",
		} {
			_, err := o.mta.Send(miltertest.Message{
				From: "<ada@two.example>", To: []string{"<b@example.net>"}, Raw: []byte("From: " + from + "\r\nSender: ada@two.example\r\n\r\nHello.\r\n"),
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := o.daemon.messageLine(t).Keys; got != want {
				t.Errorf("%s: signed with %q, want %q", from, got, want)
			}
		}
	})
}
