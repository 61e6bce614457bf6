package sendmail

import (
	"fmt"
	"os"
	"strings"
)

// Users who may log in at port 587, all with Password.
const (
	Alice    = "alice@lab.test"
	Bob      = "bob@lab.test"
	Password = "lab-secret"
)

// writeUsers makes the SASL data base. Sendmail wants it unreadable for others.
func (s *Sendmail) writeUsers() error {
	conf := "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN\n"
	if err := os.WriteFile(s.path("etc/sasl2/Sendmail.conf"), []byte(conf), 0o644); err != nil {
		return err
	}
	for _, login := range []string{Alice, Bob} {
		name, realm, _ := strings.Cut(login, "@")
		cmd := s.command("/usr/sbin/saslpasswd2", "-p", "-c", "-u", realm, name)
		cmd.Stdin = strings.NewReader(Password)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("saslpasswd2: %w: %s", err, out)
		}
	}
	return os.Chmod(s.path("etc/sasldb2"), 0o600)
}
