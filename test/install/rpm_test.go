package install

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// rpm runs this host's rpm on a root: files, database and scripts are the root's. Debian knows nothing of the packages that
// ours depends on.
func rpm(t *testing.T, p place, args ...string) string {
	t.Helper()
	out, err := exec.Command("rpm", append([]string{"--root", p.Path("/"), "--nodeps"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("rpm %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// pack packs once more what make packages has built.
func pack(t *testing.T, format, version, epoch string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "again."+format)
	cmd := exec.Command("out/nfpm", "package", "--config", "packaging/nfpm.yaml", "--packager", format, "--target", file)
	cmd.Dir = "../.."
	cmd.Env = append(cmd.Environ(), "VERSION="+version, "ARCH="+runtime.GOARCH, "SOURCE_DATE_EPOCH="+epoch)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("nfpm: %v\n%s", err, out)
	}
	return file
}

func TestRPM(t *testing.T) {
	t.Parallel()
	c := unbooted(t)

	t.Run("install", func(t *testing.T) {
		said := rpm(t, c, "--ignorearch", "--install", packages.rpm)
		says(t, "the installation", said, "smtpd_milters = inet:127.0.0.1:8891", "INPUT_MAIL_FILTER(`postseal'", "systemctl enable --now postseal")
		is(t, "owners", owners(t, c), packagedOwners)
		is(t, "owner of the state", must(t, c, "stat", "-c", "%U %G %a", "/var/lib/postseal").Stdout, "postseal postseal 700\n")
		must(t, c, "postseal", "check-config")
		if changed := rpm(t, c, "--verify", "postseal"); changed != "" {
			t.Errorf("files differ from the package:\n%s", changed)
		}
	})
	t.Run("upgrade keeps what was changed", func(t *testing.T) {
		appendTo(t, c, "/etc/postseal/keytable", "# Said by the administrator.\n")
		must(t, c, "postseal", "keygen", "--domain", "example.com", "--selector", "s2026", "--output", keyFile)
		key := read(t, c, keyFile)
		rpm(t, c, "--ignorearch", "--upgrade", pack(t, "rpm", "1000.0", "1700000000"))
		is(t, "version", host(t, "rpm", "--root", c.Path("/"), "--query", "--queryformat", "%{VERSION}", "postseal"), "1000.0")
		says(t, "keytable", read(t, c, "/etc/postseal/keytable"), "Said by the administrator.")
		is(t, "key", read(t, c, keyFile), key)
	})
	t.Run("erase leaves keys and what was changed", func(t *testing.T) {
		must(t, c, "mkdir", "-p", "/etc/postfix")
		write(t, c, "/etc/postfix/main.cf", "smtpd_milters = inet:127.0.0.1:8891\n")
		said := rpm(t, c, "--erase", "postseal")
		says(t, "the removal", said, "WARNING: /etc/postfix/main.cf still names the milter", "/etc/postseal/keys is left")
		says(t, "keytable.rpmsave", read(t, c, "/etc/postseal/keytable.rpmsave"), "Said by the administrator.")
		for _, gone := range []string{"/usr/bin/postseal", tomlFile, "/usr/lib/systemd/system/" + unit} {
			if there(c, gone) {
				t.Error("still there: " + gone)
			}
		}
		if !there(c, keyFile) {
			t.Error("the key is gone")
		}
	})
}

// The other architecture is built across and cannot be run here: it has the same files, and its program is of that architecture.
func TestOtherArchitecture(t *testing.T) {
	t.Parallel()
	other := map[string]struct{ machine, rpm string }{"arm64": {"ARM aarch64", "aarch64"}, "amd64": {"x86-64", "x86_64"}}
	arch := "arm64"
	if runtime.GOARCH == arch {
		arch = "amd64"
	}
	is(t, "deb architecture", strings.TrimSpace(host(t, "dpkg-deb", "--field", packages.otherDeb, "Architecture")), arch)
	is(t, "rpm architecture", host(t, "rpm", "-qp", "--queryformat", "%{ARCH}", packages.otherRPM), other[arch].rpm)
	is(t, "files of the deb", debFiles(t, packages.otherDeb), debFiles(t, packages.deb))
	is(t, "files of the rpm", host(t, "rpm", "-qpl", packages.otherRPM), host(t, "rpm", "-qpl", packages.rpm))
	is(t, "scripts of the rpm", host(t, "rpm", "-qp", "--scripts", packages.otherRPM), host(t, "rpm", "-qp", "--scripts", packages.rpm))

	dir := t.TempDir()
	host(t, "dpkg-deb", "--extract", packages.otherDeb, dir)
	says(t, "file(1)", host(t, "file", filepath.Join(dir, "usr/bin/postseal")), "ELF 64-bit", other[arch].machine, "statically linked")
}

// debFiles lists mode, owner and name of the files of a package.
func debFiles(t *testing.T, deb string) string {
	t.Helper()
	var files []string
	for line := range strings.Lines(host(t, "dpkg-deb", "--contents", deb)) {
		f := strings.Fields(line) // mode, owner, size, date, time, name
		files = append(files, f[0]+" "+f[1]+" "+f[5])
	}
	return strings.Join(files, "\n")
}

// The program says which implementation of cryptography it carries, and does not need the system's libraries.
func TestProgram(t *testing.T) {
	t.Parallel()
	c := unbooted(t)
	dpkg(t, c, packages.deb)
	said := must(t, c, "postseal", "version").Stdout
	packaged := strings.TrimSuffix(version(t, c), "-1")
	says(t, "postseal version", said, "postseal "+packaged+" ", "BoringCrypto")
}

// The same tree gives the same bytes.
func TestReproducible(t *testing.T) {
	t.Parallel()
	built := strings.Fields(host(t, "rpm", "-qp", "--queryformat", "%{VERSION} %{BUILDTIME}", packages.rpm))
	for format, file := range map[string]string{"deb": packages.deb, "rpm": packages.rpm} {
		host(t, "cmp", file, pack(t, format, built[0], built[1]))
	}
}
