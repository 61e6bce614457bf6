package postfix

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// writeUsers makes the SASL data base. A chrooted smtpd opens it inside the queue directory.
func (p *Postfix) writeUsers() error {
	db := filepath.Join(p.ConfigDir, "sasl/sasldb2")
	seen := db
	if p.Chroot {
		db, seen = p.InQueue("etc/sasldb2"), "/etc/sasldb2"
		if err := os.MkdirAll(filepath.Dir(db), 0o755); err != nil {
			return err
		}
	}
	conf := "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN\nsasldb_path: " + seen + "\n"
	if err := os.WriteFile(filepath.Join(p.ConfigDir, "sasl/smtpd.conf"), []byte(conf), 0o644); err != nil {
		return err
	}
	for _, login := range []string{Alice, Bob} {
		name, realm, _ := strings.Cut(login, "@")
		cmd := exec.Command("saslpasswd2", "-p", "-c", "-f", db, "-u", realm, name)
		cmd.Stdin = strings.NewReader(Password)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("saslpasswd2: %w: %s", err, out)
		}
	}
	return chown("postfix", db)
}

func chown(name, file string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	return os.Chown(file, uid, -1)
}

// GroupID is the group that a milter's unix socket has to be open to.
func GroupID() (int, error) {
	g, err := user.LookupGroup("postfix")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(g.Gid)
}
