package sendmail

import (
	"bytes"
	"fmt"
	"syscall"
)

// Submit hands msg, which has LF lines, to sendmail(1) as the user uid. It goes through the submission program to the MTA;
// where that is not to be had it waits in a queue of its own.
func (s *Sendmail) Submit(uid uint32, from string, to []string, msg []byte) error {
	args := append([]string{"-Ac", "-i", "-f", from, "--"}, to...)
	cmd := s.command("/"+program, args...)
	cmd.Stdin = bytes.NewReader(msg)
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: uid}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("sendmail as uid %d: %w: %s", uid, err, out)
	}
	return nil
}
