package daemon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// Keygen runs postseal keygen and returns the TXT record that it prints.
func (p Program) Keygen(domain, selector, algorithm, output string) (record string, err error) {
	out, err := p.run(nil, nil, "keygen", "--domain", domain, "--selector", selector, "--type", algorithm, "--output", output)
	if err != nil {
		return "", err
	}
	m := oneLine.FindSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("no TXT record on a line of its own in what keygen printed:\n%s", out)
	}
	var zone []byte
	for _, part := range zoneString.FindAllSubmatch(out, -1) {
		zone = append(zone, part[1]...)
	}
	if !bytes.Equal(zone, m[1]) {
		return "", fmt.Errorf("keygen's zone-file lines and its one line differ:\n%s", out)
	}
	return string(m[1]), nil
}

var (
	oneLine    = regexp.MustCompile(`(?m)^(v=DKIM1;[^"\n]*)$`)
	zoneString = regexp.MustCompile(`"([^"\n]*)"`)
)

// Facts are what a decision depends on.
type Facts struct {
	From, User, Client, DaemonName string
	MTA                            string // postfix if empty
	Message                        []byte // says more than From, if it is there
}

// Explanation is the answer of postseal explain --json.
type Explanation struct {
	Decision string   `json:"decision"`
	Reason   string   `json:"reason"`
	From     string   `json:"from"`
	Keys     []string `json:"keys"`
	Warnings []string `json:"warnings"`
	Deferred bool     `json:"deferred"`
}

// Equal compares two explanations; an empty list may be null.
func (e Explanation) Equal(o Explanation) bool {
	return e.Decision == o.Decision && e.Reason == o.Reason && e.From == o.From && e.Deferred == o.Deferred &&
		slices.Equal(e.Keys, o.Keys) && slices.Equal(e.Warnings, o.Warnings)
}

// Explain asks postseal explain, a process of its own run as the daemon's user, what would happen to a message.
func (d *Daemon) Explain(f Facts) (e Explanation, err error) {
	args := []string{"explain", "--config", d.Config, "--json", "--client", f.Client, "--daemon-name", f.DaemonName}
	if f.User != "" {
		args = append(args, "--user", f.User)
	}
	if f.MTA != "" {
		args = append(args, "--mta", f.MTA)
	}
	if f.Message != nil {
		args = append(args, "-")
	} else {
		args = append(args, "--from", f.From)
	}
	out, err := d.program.run(d.user, f.Message, args...)
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(out, &e); err != nil {
		return e, fmt.Errorf("postseal explain: %w in %q", err, out)
	}
	return e, nil
}

// Output is what a command said, and its exit code.
type Output struct {
	Out, Err string
	Code     int
}

// Do runs a command as root, as an administrator does. A command that fails is no error here.
func (p Program) Do(args ...string) (Output, error) { return output(exec.Command(string(p), args...)) }

// DoOn is Do on another host.
func (p Program) DoOn(h Host, args ...string) (Output, error) {
	return output(h.Command(string(p), args...))
}

func output(cmd *exec.Cmd) (Output, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		err = nil
	}
	if err != nil {
		return Output{}, fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return Output{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}, nil
}

func (p Program) run(user *syscall.SysProcAttr, stdin []byte, args ...string) ([]byte, error) {
	var stderr bytes.Buffer
	cmd := exec.Command(string(p), args...)
	cmd.Stdin, cmd.Stderr, cmd.SysProcAttr = bytes.NewReader(stdin), &stderr, user
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("postseal %s: %w\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return out, nil
}
