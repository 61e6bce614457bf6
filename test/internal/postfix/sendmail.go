package postfix

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Sendmail hands msg to sendmail(1) as the user uid. sendmail(1) of an ordinary user reads /etc/postfix only.
func (p *Postfix) Sendmail(uid uint32, from string, to []string, msg []byte) error {
	args := []string{"-i", "-f", from}
	if p.ConfigDir != "/etc/postfix" {
		args = append(args, "-C", p.ConfigDir)
	}
	cmd := exec.Command("/usr/sbin/sendmail", append(append(args, "--"), to...)...)
	cmd.Stdin = bytes.NewReader(msg)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("sendmail as uid %d: %w: %s", uid, err, out)
	}
	return nil
}
