package doctor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/folder"
	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/submit"
)

// The notes that depend on the machine the tests run on: what keeps its clock, and who has a shell.
var ofTheMachine = []string{"clock", "socket-tighter"}

// story is one installation.
type story struct {
	folder.Folder
	config string
	mta    *postfix.Postfix
	daemon *daemon.Daemon
}

// begin makes the directory of an installation, and a configuration of ours with one listener.
func begin(t *testing.T, listener, more string) *story {
	t.Helper()
	s := &story{Folder: folder.Folder{T: t, Dir: filepath.Join(sandbox.Dir(), strings.ReplaceAll(t.Name(), "/", "-"))}}
	s.config = s.Path("postseal.toml")
	s.Must(os.Mkdir(s.Dir, 0o755))
	s.Write("keytable", "lab lab.test:s1:"+keyFile()+"\n")
	s.Write("signingtable", "*@lab.test lab\n")
	s.Write("postseal.toml", fmt.Sprintf("[[listener]]\naddress = %q\n%s\n[sign]\nkeytable = %q\nsigningtable = %q\n[check]\nvia = \"resolver\"\n[log]\nformat = \"json\"\n",
		listener, more, s.Path("keytable"), "refile:"+s.Path("signingtable")))
	s.Must(belongsToService(s.config, 0o640))
	return s
}

// postfix starts one; configured in /etc/postfix, where the doctor looks by itself.
func (s *story) postfix(c postfix.Config) {
	s.Helper()
	c.Dir, c.ConfigDir, c.NextHop = s.Path("postfix"), "/etc/postfix", sinkAddress
	if c.DefaultAction == "" {
		c.DefaultAction = "accept"
	}
	c.Listeners = append(c.Listeners, postfix.Listener{Address: mtaAddress})
	var err error
	s.mta, err = postfix.Start(c)
	s.Must(err)
	s.Cleanup(func() { s.Must(s.mta.Stop()) })
}

func (s *story) serve(listener string) {
	s.Helper()
	var err error
	s.daemon, err = postseal.Serve(s.config, s.Path("log"), sandbox.ServiceID, listener)
	s.Must(err)
	s.Cleanup(func() { s.Must(s.daemon.Stop()) })
}

// report is what the doctor says with --json.
type report struct {
	code     int
	Findings []struct {
		Word     string `json:"word"`
		Severity string `json:"severity"`
		Found    string `json:"found"`
		Change   string `json:"change"`
	} `json:"findings"`
}

// words are the findings but for those of the machine, as "error not-wired", sorted.
func (r report) words() (all []string) {
	for _, f := range r.Findings {
		if !slices.Contains(ofTheMachine, f.Word) {
			all = append(all, f.Severity+" "+f.Word)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// change is what a finding says to change.
func (r report) change(word string) string {
	for _, f := range r.Findings {
		if f.Word == word {
			return f.Change
		}
	}
	return ""
}

// doctor runs as a user.
func (s *story) doctor(uid uint32, args ...string) (code int, out string) {
	s.Helper()
	cmd := exec.Command(string(postseal), append([]string{"doctor", "--config", s.config}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	text, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		err = nil
	}
	s.Must(err)
	return cmd.ProcessState.ExitCode(), string(text)
}

// finds has root's doctor find just that.
func (s *story) finds(args []string, want ...string) report {
	s.Helper()
	return s.findsAs(0, args, want...)
}

func (s *story) findsAs(uid uint32, args []string, want ...string) report {
	s.Helper()
	code, out := s.doctor(uid, append(args, "--json")...)
	r := report{code: code}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		s.Fatalf("%v in %s", err, out)
	}
	slices.Sort(want)
	if got := r.words(); !slices.Equal(got, want) {
		s.Errorf("found %q, want %q:\n%s", got, want, out)
	}
	wantCode := 0
	for _, w := range want {
		switch severity, _, _ := strings.Cut(w, " "); severity {
		case "error":
			wantCode = 2
		case "warning":
			wantCode = max(wantCode, 1)
		}
	}
	if code != wantCode {
		s.Errorf("exit code %d, want %d", code, wantCode)
	}
	return r
}

// sends hands a message in at port 25 of this host, which is trusted, and tells whether it arrived signed.
func (s *story) sends() (signed bool) {
	s.Helper()
	session, err := submit.Open(submit.Options{Address: mtaAddress + ":25", Source: mtaAddress})
	s.Must(err)
	subject := "of " + s.Dir + " " + fmt.Sprint(len(s.mta.Log()))
	s.Must(session.Send("alice@lab.test", []string{"reader@in.test"}, []byte("From: alice@lab.test\r\nTo: reader@in.test\r\nSubject: "+subject+"\r\n\r\nhello\r\n")))
	s.Must(session.Quit())
	m, err := nextHop.Wait(subject, bySubject(subject))
	s.Must(err)
	return bytes.Contains(m.Data, []byte("DKIM-Signature:"))
}

// logs waits for Postfix to say something.
func (s *story) logs(text string) {
	s.Helper()
	if err := await.That("mail log: "+text, func() bool { return bytes.Contains(s.mta.Log(), []byte(text)) }); err != nil {
		s.Errorf("%v\n%s", err, s.mta.Log())
	}
}
