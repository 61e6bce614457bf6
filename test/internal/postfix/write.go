package postfix

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func (p *Postfix) write() error {
	for _, dir := range []string{p.Dir, p.queue(), filepath.Join(p.Dir, "data"), filepath.Join(p.ConfigDir, "sasl")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := chown("postfix", filepath.Join(p.Dir, "data")); err != nil {
		return err
	}
	if err := p.writeCertificate(); err != nil {
		return err
	}
	if err := p.writeUsers(); err != nil {
		return err
	}
	main := fmt.Sprintf(mainCF, p.Dir, p.ConfigDir, p.NextHop, p.Milter, cmp.Or(p.DefaultAction, "tempfail")) + strings.Join(p.Extra, "\n") + "\n"
	if err := writeAged(filepath.Join(p.ConfigDir, "main.cf"), main); err != nil {
		return err
	}
	return writeAged(filepath.Join(p.ConfigDir, "master.cf"), p.services())
}

// services is master.cf.
func (p *Postfix) services() string {
	chroot := "n"
	if p.Chroot {
		chroot = "y"
	}
	var master strings.Builder
	for _, l := range p.Listeners {
		address := l.Address
		if strings.Contains(address, ":") {
			address = "[" + address + "]"
		}
		fmt.Fprintf(&master, smtpdCF, address, chroot, cmp.Or(l.Milter, p.Milter))
	}
	fmt.Fprintf(&master, masterCF, chroot)
	return master.String() + strings.Join(p.Services, "\n") + "\n"
}

// writeAged writes a file that is an hour old: a configuration younger than two seconds is read again and again by every
// Postfix program, with pauses.
func writeAged(name, text string) error {
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		return err
	}
	past := time.Now().Add(-time.Hour)
	return os.Chtimes(name, past, past)
}

// fillChroot copies what Debian's start script copies, so that a chrooted smtpd can look clients up.
func (p *Postfix) fillChroot() error {
	for _, name := range []string{"etc/resolv.conf", "etc/hosts", "etc/services", "etc/nsswitch.conf"} {
		b, err := os.ReadFile("/" + name)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(p.InQueue("etc"), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(p.InQueue(name), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}
