package sendmail

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/postseal/postseal/test/internal/sandbox"
)

// Unpacked is where test/setup unpacks sendmail-bin, sendmail-base and sendmail-cf. They cannot be installed beside Postfix.
const Unpacked = "/var/lib/postseal-test/sendmail"

// Users that Debian's packages create.
const (
	mtaUser, mtaID = "smmta", 60893
	mspUser, mspID = "smmsp", 60894
)

// makeRoot makes a root directory in which Sendmail is installed: Debian's /usr with the packages' over it, and an /etc and
// /var of its own. It lies in the sandbox's mount namespace and ends with it.
func (s *Sendmail) makeRoot() error {
	if _, err := os.Stat(Unpacked); err != nil {
		return fmt.Errorf("%w (test/setup unpacks Sendmail)", err)
	}
	for _, dir := range []string{"", ".upper", ".work", "usr", "dev", "etc/sasl2", "tmp", "run/sendmail/mta", "run/sendmail/msp", "run/sendmail/stampdir", "var/spool", "var/lib/sendmail", "milter"} {
		if err := os.MkdirAll(s.path(dir), 0o755); err != nil {
			return err
		}
	}
	for link, target := range map[string]string{"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64", "var/run": "../run"} {
		if err := os.Symlink(target, s.path(link)); err != nil {
			return err
		}
	}
	layers := fmt.Sprintf("lowerdir=%s/usr:/usr,upperdir=%s,workdir=%s", Unpacked, s.path(".upper"), s.path(".work"))
	if err := syscall.Mount("overlay", s.path("usr"), "overlay", 0, layers); err != nil {
		return fmt.Errorf("overlay of Sendmail's packages on /usr: %w", err)
	}
	for _, device := range []string{"null", "urandom"} {
		if err := os.WriteFile(s.path("dev", device), nil, 0o666); err != nil {
			return err
		}
		if err := syscall.Mount("/dev/"+device, s.path("dev", device), "", syscall.MS_BIND, ""); err != nil {
			return err
		}
	}
	if err := s.fillEtc(); err != nil {
		return err
	}
	return s.finishInstallation()
}

// fillEtc copies the packages' /etc/mail, and from the sandbox what resolves names.
func (s *Sendmail) fillEtc() error {
	if err := os.CopyFS(s.path("etc/mail"), os.DirFS(filepath.Join(Unpacked, "etc/mail"))); err != nil {
		return err
	}
	for _, name := range []string{"hosts", "resolv.conf", "nsswitch.conf", "passwd", "group", "services", "protocols"} {
		text, err := os.ReadFile("/etc/" + name)
		if err != nil {
			return err
		}
		switch name {
		case "passwd":
			text = fmt.Appendf(text, "%s:x:%d:%d::/var/lib/sendmail:/usr/sbin/nologin\n", mtaUser, mtaID, mtaID)
			text = fmt.Appendf(text, "%s:x:%d:%d::/var/lib/sendmail:/usr/sbin/nologin\n", mspUser, mspID, mspID)
		case "group":
			text = fmt.Appendf(text, "%s:x:%d:\n%s:x:%d:\n", mtaUser, mtaID, mspUser, mspID)
		}
		if err := os.WriteFile(s.path("etc", name), text, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(s.path("etc/hostname"), []byte(sandbox.Hostname+"\n"), 0o644)
}

// finishInstallation does what the packages' scripts do: queues, and a set-group-id sendmail(1) for the users' own queue.
func (s *Sendmail) finishInstallation() error {
	for _, d := range []struct {
		path     string
		uid, gid int
		mode     os.FileMode
	}{
		{mtaQueue, mtaID, mspID, os.ModeSetgid | 0o750},
		{mspQueue, mspID, mspID, os.ModeSetgid | 0o770},
		{"run/sendmail/msp", mspID, mspID, 0o775},
		{program, 0, mspID, os.ModeSetgid | 0o755},
		{"tmp", 0, 0, os.ModeSticky | 0o777},
	} {
		path := s.path(d.path)
		if _, err := os.Stat(path); os.IsNotExist(err) {
			if err := os.Mkdir(path, 0o755); err != nil {
				return err
			}
		}
		if err := os.Chown(path, d.uid, d.gid); err != nil {
			return err
		}
		if err := os.Chmod(path, d.mode); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sendmail) path(elem ...string) string {
	return filepath.Join(append([]string{s.Root}, elem...)...)
}
