package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// maxProgram is how long a program may take that is asked for its configuration.
const maxProgram = 20 * time.Second

// output runs a program and gives what it printed.
func output(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, maxProgram)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

// FindPostfix is the directory of main.cf of the Postfix that is installed here, "" if there is none.
func FindPostfix(ctx context.Context) string {
	dir, err := output(ctx, "postconf", "-d", "-h", "config_directory")
	if dir = strings.TrimSpace(dir); err != nil || dir == "" {
		return ""
	}
	if _, err := os.Stat(filepath.Join(dir, "main.cf")); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return dir
}

// SendmailCF is where Sendmail's configuration is.
const SendmailCF = "/etc/mail/sendmail.cf"

// FindSendmail is the path of sendmail.cf, "" if there is none.
func FindSendmail() string {
	if _, err := os.Stat(SendmailCF); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return SendmailCF
}

// readPostfix asks postconf(1), which knows the defaults and replaces references.
func readPostfix(ctx context.Context, dir string) (*Postfix, error) {
	var texts []string
	for _, what := range []string{"-x", "-n", "-M", "-Px"} {
		text, err := output(ctx, "postconf", "-c", dir, what)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return parsePostfix(dir, texts[0], texts[1], texts[2], texts[3]), nil
}

// maxConfig bounds what is read of sendmail.cf; a real one has 60 kB.
const maxConfig = 4 << 20

func readSendmail(path string) (*Sendmail, error) {
	text, cf, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	s := parseSendmail(path, text)
	source := strings.TrimSuffix(path, ".cf") + ".mc"
	if text, mc, err := readBounded(source); err == nil {
		s.source(source, text, mc, cf)
	}
	return s, nil
}

func readBounded(path string) (text string, modified time.Time, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", modified, err
	}
	if info.Size() > maxConfig {
		return "", modified, fmt.Errorf("%s has %d bytes, which no configuration has", path, info.Size())
	}
	b, err := os.ReadFile(path)
	return string(b), info.ModTime(), err
}

// unit asks systemd, where it runs.
func unit(ctx context.Context) *Unit {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return nil
	}
	out, err := output(ctx, "systemctl", "show", "-p", "LoadState", "-p", "ActiveState", "-p", "StatusText", serviceName+".service")
	if err != nil {
		return nil
	}
	sockets, err := output(ctx, "systemctl", "show", "-p", "ActiveState", "-p", "Listen", serviceName+".socket")
	if err != nil {
		sockets = ""
	}
	return parseUnit(out, sockets)
}

// parseUnit reads what "systemctl show" printed of service and socket.
func parseUnit(service, socket string) *Unit {
	u := &Unit{}
	for line := range strings.Lines(service) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), "="); name {
		case "LoadState":
			u.Loaded = value == "loaded"
		case "ActiveState":
			u.Active = value
		case "StatusText":
			u.Status = value
		}
	}
	active := false
	var listen []string
	for line := range strings.Lines(socket) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), "="); name {
		case "ActiveState":
			active = value == "active"
		case "Listen": // "/run/x.sock (Stream)"
			address, _, _ := strings.Cut(value, " ")
			listen = append(listen, address)
		}
	}
	if active {
		u.Sockets = listen
	}
	return u
}

// shellUsers are the people of /etc/passwd who can run programs here.
func shellUsers(passwd string) (names []string) {
	const firstPerson, nobody = 1000, 65534
	for line := range strings.Lines(passwd) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) != 7 {
			continue
		}
		uid, err := strconv.Atoi(f[2])
		shell := filepath.Base(f[6])
		if err == nil && uid >= firstPerson && uid < nobody && shell != "nologin" && shell != "false" {
			names = append(names, f[0])
		}
	}
	return names
}

// clock asks the kernel whether something keeps its time (adjtimex(2)); nothing is set.
func clock() Clock {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	const timeError = 5 // TIME_ERROR
	return Clock{Unsynchronized: t.Status&unix.STA_UNSYNC != 0 || state == timeError, Err: err}
}
