package config

import (
	"strings"
	"testing"
)

func TestPanel(t *testing.T) {
	const store = "[store]\nurl = \"sqlite:/var/lib/postseal/postseal.db\"\n[panel]\n"
	for name, c := range map[string]struct{ text, problem, warning string }{
		"off":                      {"token_file = \"\"\nproxies = [\"nonsense\"]\n", "", ""},
		"unix socket":              {"listen = \"unix:/run/postseal/panel.sock\"\nsocket_group = \"www-data\"\ntoken_file = \"/etc/postseal/tokens\"\n", "", ""},
		"this host":                {"listen = \"127.0.0.1:8090\"\ntoken_file = \"/etc/postseal/tokens\"\n", "", ""},
		"handed over":              {"listen = \"fd:panel\"\napi_token_file = \"/etc/postseal/tokens\"\n", "", ""},
		"all addresses":            {"listen = \":8090\"\ntoken_file = \"x\"\n", "other hosts reach", ""},
		"open, with a reason":      {"listen = \"0.0.0.0:8090\"\nopen_to_network = \"closed network\"\ntoken_file = \"x\"\n", "", "other hosts reach 0.0.0.0:8090 (closed network)"},
		"proxy, unix socket":       {"listen = \"unix:/run/p.sock\"\nuser_header = \"X-Remote-User\"\ntenant_header = \"X-Tenant\"\n", "", ""},
		"proxy, port":              {"listen = \"127.0.0.1:8090\"\nuser_header = \"X-Remote-User\"\noperators = [\"ada\"]\nproxies = [\"127.0.0.1\", \"10.0.0.0/8\"]\n", "", "is believed to be whom it says"},
		"proxy, port, not listed":  {"listen = \"127.0.0.1:8090\"\nuser_header = \"X-Remote-User\"\noperators = [\"ada\"]\n", "nobody's X-Remote-User would be believed", ""},
		"a group, and no socket":   {"listen = \"127.0.0.1:8090\"\nsocket_group = \"www-data\"\ntoken_file = \"x\"\n", "are for unix sockets", ""},
		"an address with a secret": {"listen = \"127.0.0.1:8090\"\npublic_url = \"https://a:b@mail.example.net\"\ntoken_file = \"x\"\n", "no address of a web page", ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := Parse("postseal.toml", store+c.text)
			switch {
			case c.problem == "" && err != nil:
				t.Error(err)
			case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
				t.Errorf("%v, want %q", err, c.problem)
			}
			if err != nil {
				return
			}
			warnings := ""
			for _, w := range cfg.Warnings() {
				warnings += w.Error()
			}
			if (warnings != "") != (c.warning != "") || !strings.Contains(warnings, c.warning) {
				t.Errorf("warnings %q, want %q", warnings, c.warning)
			}
		})
	}
}
