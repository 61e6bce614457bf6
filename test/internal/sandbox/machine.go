package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// The sandbox's addresses, all on its loopback interface: 127.0.0.0/8 for servers and local clients, and
// addresses from the documentation ranges (RFC 5737, RFC 3849) for what an MTA has to take for the outside world.
const (
	Hostname   = "mx.lab.test"
	Resolver   = "127.7.0.53"
	OuterIPv4  = "192.0.2.1"    // where the MTA listens to the world
	OuterIPv6  = "2001:db8::1"  //
	ClientIPv4 = "192.0.2.10"   // a stranger
	ClientIPv6 = "2001:db8::10" //
	Service    = "postseal"     // the user that packages create
	ServiceID  = 60891          // its uid and gid
	Anyone     = "lab-user"     // an ordinary user
	AnyoneID   = 60892          //
)

const sharedMemory = "/dev/shm" // shm_overview(7)

func setUp(dir string) error {
	for _, step := range []struct {
		what string
		do   func(dir string) error
	}{
		{"mounts", mounts},
		{"files in /etc", etc},
		{"host name", func(string) error { return syscall.Sethostname([]byte(Hostname)) }},
		{"addresses", func(string) error { return addresses() }},
	} {
		if err := step.do(dir); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

// mounts cuts the mount namespace off from the host's and gives it a /proc of the new PID namespace, a work directory, and
// a /dev/shm: programs name what they put there after their pid (as faketime), and the pids of two sandboxes are the same.
func mounts(dir string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return err
	}
	if err := syscall.Mount("postseal-shm", sharedMemory, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=1777"); err != nil {
		return err
	}
	return syscall.Mount("postseal-e2e", dir, "tmpfs", syscall.MS_NODEV, "mode=0755")
}

// etc lays the sandbox's own files over the host's. /etc/postfix is a writable copy: sendmail(1) run by an ordinary user
// reads no other configuration.
func etc(dir string) error {
	own := filepath.Join(dir, "etc")
	if err := os.Mkdir(own, 0o755); err != nil {
		return err
	}
	hosts := "127.0.0.1 localhost\n::1 localhost\n" + OuterIPv4 + " " + Hostname + "\n"
	files := map[string]string{
		"hosts":         hosts,
		"resolv.conf":   "nameserver " + Resolver + "\noptions timeout:10 attempts:3\n",
		"nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\n",
	}
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return err
	}
	group, err := os.ReadFile("/etc/group")
	if err != nil {
		return err
	}
	for name, id := range map[string]int{Service: ServiceID, Anyone: AnyoneID} {
		passwd = fmt.Appendf(without(passwd, name), "%s:x:%d:%d::/nonexistent:/usr/sbin/nologin\n", name, id, id)
		group = fmt.Appendf(without(group, name), "%s:x:%d:\n", name, id)
	}
	files["passwd"], files["group"] = string(passwd), string(group)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(own, name), []byte(text), 0o644); err != nil {
			return err
		}
		if err := bind(filepath.Join(own, name), "/etc/"+name); err != nil {
			return err
		}
	}
	if err := os.CopyFS(filepath.Join(own, "postfix"), os.DirFS("/etc/postfix")); err != nil {
		return fmt.Errorf("%w (test/setup installs Postfix)", err)
	}
	return bind(filepath.Join(own, "postfix"), "/etc/postfix")
}

// without drops the line of name from a passwd or group file: a developer's machine may have the package installed.
func without(table []byte, name string) []byte {
	var kept []byte
	for line := range bytes.Lines(table) {
		if !bytes.HasPrefix(line, []byte(name+":")) {
			kept = append(kept, line...)
		}
	}
	return kept
}

func bind(from, to string) error {
	if err := syscall.Mount(from, to, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s: %w", to, err)
	}
	return nil
}

func addresses() error {
	for _, args := range [][]string{
		{"link", "set", "lo", "up"},
		{"addr", "add", OuterIPv4 + "/32", "dev", "lo"},
		{"addr", "add", ClientIPv4 + "/32", "dev", "lo"},
		{"addr", "add", OuterIPv6 + "/128", "dev", "lo", "nodad"},
		{"addr", "add", ClientIPv6 + "/128", "dev", "lo", "nodad"},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %v: %w: %s", args, err, out)
		}
	}
	return nil
}
