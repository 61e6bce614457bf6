package install

import (
	"fmt"
	"os"
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
	maintainer := strings.TrimSpace(host(t, "dpkg-deb", "--field", packages.deb, "Maintainer"))
	cmd.Env = append(cmd.Environ(), "VERSION="+version, "ARCH="+runtime.GOARCH, "SOURCE_DATE_EPOCH="+epoch, "MAINTAINER="+maintainer)
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

// What rpm runs, in its order and with its arguments, where systemd runs: installation, upgrade, removal.
func TestRPMScripts(t *testing.T) {
	alone(t)
	m := boot(t, bare.Path())
	script := func(name, versions string) string {
		text := host(t, "rpm", "-qp", "--queryformat", "%{"+name+"}", packages.rpm)
		return must(t, m, "sh", "-c", text, "sh", versions).Text()
	}
	state := func(active, enabled string) {
		t.Helper()
		is(t, "ActiveState", value(t, m, unit, "ActiveState"), active)
		is(t, "is-enabled", strings.TrimSpace(run(t, m, "systemctl", "is-enabled", unit).Stdout), enabled)
	}
	const first, another, none = "1", "2", "0"

	script("PREIN", first)
	rpm(t, m, "--ignorearch", "--noscripts", "--install", packages.rpm)
	is(t, "owners", owners(t, m), packagedOwners) // the user was there before the files
	says(t, "the installation", script("POSTIN", first), "systemctl enable --now postseal")
	must(t, m, "systemctl", "enable", "--now", "postseal")
	state("active", "enabled")

	before := pid(t, m)
	script("PREIN", another)
	rpm(t, m, "--ignorearch", "--noscripts", "--upgrade", pack(t, "rpm", "1000.0", "1700000000"))
	if said := script("POSTIN", another); strings.Contains(said, "enable --now") {
		t.Errorf("an upgrade says what an installation does: %s", said)
	}
	script("PREUN", first) // of the old package
	state("active", "enabled")
	script("POSTUN", first)
	state("active", "enabled")
	if pid(t, m) == before {
		t.Error("the old program goes on running")
	}

	must(t, m, "chown", "root:root", tomlFile)
	before = pid(t, m)
	says(t, "an upgrade to what would not start", script("POSTUN", first), "the old one goes on running")
	is(t, "MainPID", pid(t, m), before)
	must(t, m, "chgrp", "postseal", tomlFile)

	must(t, m, "systemctl", "stop", "postseal")
	script("POSTUN", first)
	state("inactive", "enabled") // a stopped service stays stopped

	must(t, m, "systemctl", "start", "postseal")
	script("PREUN", none)
	state("inactive", "disabled")
	rpm(t, m, "--noscripts", "--erase", "postseal")
	script("POSTUN", none)
	if there(m, "/usr/bin/postseal") {
		t.Error("the program is still there")
	}
}

// What the rpm says of its files, and that none is where only Debian looks.
func TestRPMFiles(t *testing.T) {
	t.Parallel()
	files := host(t, "rpm", "-qp", "--queryformat", "[%{FILENAMES} %{FILEFLAGS:fflags} %{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME}\n]", packages.rpm)
	says(t, "the package", files,
		"/etc/postseal  drwxr-x--- root postseal\n",
		"/etc/postseal/keys  drwxr-x--- root postseal\n",
		"/etc/postseal/keytable cn -rw-r----- root postseal\n", // configuration, not replaced
		"/etc/postseal/postseal.toml cn -rw-r----- root postseal\n",
		"/etc/postseal/signingtable cn -rw-r----- root postseal\n",
		"/usr/bin/postseal  -rwxr-xr-x root root\n",
		"/usr/lib/systemd/system/postseal.service  -rw-r--r-- root root\n",
		"/usr/lib/sysusers.d/postseal.conf  -rw-r--r-- root root\n",
		"/usr/share/licenses/postseal/LICENSE l -rw-r--r-- root root\n",
		"/usr/share/man/man8/postseal.8.gz d -rw-r--r-- root root\n",
		"/usr/share/zsh/site-functions/_postseal  -rw-r--r-- root root\n")
	for _, debian := range []string{"lintian", "vendor-completions", "Debian", "/usr/share/doc/postseal/copyright"} {
		if strings.Contains(files, debian) {
			t.Errorf("%q is Debian's:\n%s", debian, files)
		}
	}
	for _, script := range []string{"PREIN", "POSTIN", "PREUN", "POSTUN"} {
		if text := host(t, "rpm", "-qp", "--queryformat", "%{"+script+"}", packages.rpm); strings.Contains(text, "deb-systemd") || strings.Contains(text, "dpkg") {
			t.Errorf("%s calls what Fedora does not have:\n%s", script, text)
		}
	}
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

// The other architecture's program runs under QEMU: it makes a key, signs, and takes its own signature; and its demo, which has an
// independent verifier judge, is well.
func TestOtherArchitectureRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	host(t, "dpkg-deb", "--extract", packages.otherDeb, dir)
	qemu := map[string]string{"amd64": "qemu-aarch64-static", "arm64": "qemu-x86_64-static"}[runtime.GOARCH]
	program := func(args ...string) string {
		return host(t, qemu, append([]string{filepath.Join(dir, "usr/bin/postseal")}, args...)...)
	}
	says(t, "version", program("version"), "postseal ")
	says(t, "demo", program("demo"), "pass")

	for _, algorithm := range []string{"rsa", "ed25519"} {
		t.Run(algorithm, func(t *testing.T) {
			selector := "other-" + algorithm
			key := filepath.Join(dir, algorithm+".pem")
			record := printedRecord.FindStringSubmatch(program("keygen", "--domain", "example.com", "--selector", selector, "--type", algorithm, "--output", key))
			if record == nil {
				t.Fatal("keygen prints no record")
			}
			publish(t, record[1], record[2])
			files := map[string]string{
				"keytable":     "k example.com:" + selector + ":" + key + "\n",
				"signingtable": "*@example.com k\n",
				"records":      record[1] + " " + record[2] + "\n",
				"mail.eml":     string(message("from another architecture")),
				"postseal.toml": fmt.Sprintf("[[listener]]\naddress = \"inet:8891@127.0.0.1\"\n[sign]\nkeytable = %q\nsigningtable = \"refile:%s\"\n[dns]\nrecords_file = %q\n",
					filepath.Join(dir, "keytable"), filepath.Join(dir, "signingtable"), filepath.Join(dir, "records")),
			}
			for name, text := range files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			configured := []string{"--config", filepath.Join(dir, "postseal.toml"), filepath.Join(dir, "mail.eml")}
			msg := program(append([]string{"sign"}, configured...)...)
			signedWith(t, []byte(msg), "example.com", selector)

			if err := os.WriteFile(filepath.Join(dir, "mail.eml"), []byte(msg), 0o600); err != nil {
				t.Fatal(err)
			}
			says(t, "verify", program(append([]string{"verify"}, configured...)...), "pass")
		})
	}
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
