package daemon

import (
	"testing"

	"github.com/postseal/postseal/internal/config"
)

func TestOwnDomain(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "",
		"mail_from = \"a@example.com\"\n":    "", // and nobody to send to
		"mail_to = [\"root@example.net\"]\n": hostName(),
		"mail_to = [\"root@example.net\"]\nmail_from = \"dkim@Example.COM\"\n": "example.com",
	} {
		cfg, err := config.Parse("own.toml", "[notify]\n"+text)
		if err != nil {
			t.Fatal(err)
		}
		if got := ownDomain(cfg); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
