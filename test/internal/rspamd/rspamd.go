// Package rspamd runs Debian's Rspamd as a milter that does nothing but sign.
package rspamd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/postseal/postseal/test/internal/child"
)

// Config is what it signs with, and for whom.
type Config struct {
	Dir              string // made for its files
	Address          string // to listen on, "127.0.0.1:8895"
	Resolver         string // address of a name server
	Domain, Selector string
	KeyFile          string
}

// rspamd.conf: DIR, ADDRESS, RESOLVER, DOMAIN, SELECTOR, KEY FILE.
const configuration = `options {
    filters = "dkim";
    dns { nameserver = ["%[3]s"]; }
    tempdir = "%[1]s";
    pidfile = "%[1]s/pid";
    hs_cache_dir = "%[1]s";
    url_tld = "%[1]s/suffixes"; # of a few bytes: Rspamd takes 10 s to compile its own
    control_socket = "%[1]s/control.sock mode=0600";
}
logging { type = "console"; level = "notice"; }
worker "rspamd_proxy" {
    bind_socket = "%[2]s";
    count = 1;
    milter = yes;
    timeout = 60s;
    upstream "local" { default = yes; self_scan = yes; }
}
modules { path = "/usr/share/rspamd/plugins/dkim_signing.lua"; }
dkim_signing {
    sign_authenticated = true;
    use_domain = "header";
    allow_username_mismatch = true;
    allow_hdrfrom_mismatch = true;
    domain { "%[4]s" { selector = "%[5]s"; path = "%[6]s"; } }
}
`

// Start returns when it listens.
func Start(c Config) (*child.Process, error) {
	if err := os.Mkdir(c.Dir, 0o755); err != nil {
		return nil, err
	}
	file := filepath.Join(c.Dir, "rspamd.conf")
	text := fmt.Sprintf(configuration, c.Dir, c.Address, c.Resolver, c.Domain, c.Selector, c.KeyFile)
	for name, text := range map[string]string{file: text, filepath.Join(c.Dir, "suffixes"): "test\n"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command("rspamd", "--no-fork", "--insecure", "--config", file, "--var", "DBDIR="+c.Dir, "--var", "RUNDIR="+c.Dir)
	p, err := child.Start(cmd, filepath.Join(c.Dir, "log"))
	if err != nil {
		return nil, err
	}
	return p, p.Ready(c.Address)
}
