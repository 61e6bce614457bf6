package receive

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"

	"github.com/postseal/postseal/test/internal/reader"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
)

// verdict is what is to be said of a signature.
type verdict struct {
	result, reason   string
	domain, selector string
}

func passes(domain, selector string) verdict { return verdict{"pass", "", domain, selector} }

var unsigned = verdict{result: "none"}

// logWord is the verdict as the log's results have it.
func (v verdict) logWord() string {
	word := v.result
	if v.domain != "" {
		word = v.domain + "/" + v.selector + "=" + word
	}
	if v.reason != "" {
		word += "(" + v.reason + ")"
	}
	return word
}

// says checks that all who speak of a delivered message say the same of its signatures: the one Authentication-Results field
// of ours on top of it, the log line, postseal explain and postseal verify. It returns the field.
func (s *story) says(d delivery, wants ...verdict) reader.Field {
	s.Helper()
	ours := s.reported(d, wants...)
	l := s.logged(d, wants...)
	s.explained(d, l)
	s.verifiedByCommand(d, ours)
	return ours
}

// reported checks the delivered field by what an independent reader makes of it.
func (s *story) reported(d delivery, wants ...verdict) reader.Field {
	s.Helper()
	ours := s.onTop(d)
	if len(ours.Results) != len(wants) {
		s.Fatalf("%d results, want %d: %s", len(ours.Results), len(wants), ours.Text)
	}
	signatures := named(d.Data, "DKIM-Signature")
	for i, want := range wants {
		r := ours.Results[i]
		if r.Method != "dkim" || r.Result != want.result || r.Reason != want.reason {
			s.Errorf("result %d: want %+v, the field says %+v", i, want, r)
		}
		if want.domain != "" {
			s.identified(r, want, signatures[i])
		}
	}
	return ours
}

// identified checks that a result belongs to this signature.
func (s *story) identified(r reader.Result, want verdict, signature string) {
	s.Helper()
	for property, value := range map[string]string{
		"header.d": want.domain, "header.s": want.selector, "header.a": tag(signature, "a"),
	} {
		if r.Properties[property] != value {
			s.Errorf("%s=%q, want %q", property, r.Properties[property], value)
		}
	}
	if b := r.Properties["header.b"]; len(b) < 8 || !strings.HasPrefix(tag(signature, "b"), b) {
		s.Errorf("header.b=%q, b=%s", b, tag(signature, "b")) // RFC 6008: at least 8 characters
	}
}

// onTop returns our field, which must be alone in our name and above everything, Postfix's own Received included.
func (s *story) onTop(d delivery) reader.Field {
	s.Helper()
	all, err := reader.Read(d.Data)
	s.Must(err)
	var ours []reader.Field
	for _, f := range all {
		if strings.EqualFold(f.ID, authservID) {
			ours = append(ours, f)
		}
	}
	if len(ours) != 1 {
		s.Fatalf("%d fields in our name: %+v", len(ours), all)
	}
	if top := sink.Fields(d.Data); !strings.HasPrefix(top[0], "Authentication-Results: "+authservID+";") || !strings.HasPrefix(top[1], "Received: ") {
		s.Errorf("the message begins with\n%s%s", top[0], top[1])
	}
	return ours[0]
}

// logged checks the log line.
func (s *story) logged(d delivery, wants ...verdict) line {
	s.Helper()
	l := s.logLine(d.queueID)
	if l.Decision != "verified" || l.Client != sandbox.ClientIPv4 {
		s.Errorf("want verified from %s, the log says %s", sandbox.ClientIPv4, l.Text)
	}
	var words []string
	reason := wants[0].result
	for _, want := range wants {
		if want.result != unsigned.result {
			words = append(words, want.logWord())
		}
		if want.result == "pass" {
			reason = "pass" // one suffices
		}
	}
	if all := strings.Join(words, ","); l.Results != all || l.Reason != reason {
		s.Errorf("want reason=%s results=%s, the log says %s", reason, all, l.Text)
	}
	return l
}

// explained checks that postseal explain, a process of its own, says what the log said.
func (s *story) explained(d delivery, told line) {
	s.Helper()
	out, code := s.command(d.sent, "explain", "--json", "--client", sandbox.ClientIPv4)
	var e struct {
		Decision, Reason, From string
		Results                []string
	}
	s.Must(json.Unmarshal(out, &e))
	if code != 0 || e.Decision != told.Decision || e.Reason != told.Reason || e.From != told.From || strings.Join(e.Results, ",") != told.Results {
		s.Errorf("explain exits %d and says %+v\nthe log said %s", code, e, told.Text)
	}
}

// verifiedByCommand checks that postseal verify prints the delivered field, and its exit code.
func (s *story) verifiedByCommand(d delivery, ours reader.Field) {
	s.Helper()
	out, code := s.command(d.sent, "verify")
	_, printed, _ := bytes.Cut(out, []byte("Authentication-Results:"))
	if words(string(printed)) != words(ours.Text) {
		s.Errorf("verify prints\n%s\nthe delivered field is\n%s", out, ours.Text)
	}
	want := 2
	for _, r := range ours.Results {
		if r.Result == "pass" {
			want = 0
			break
		}
		if r.Result == "temperror" {
			want = 6
		}
	}
	if code != want {
		s.Errorf("verify exits %d, want %d", code, want)
	}
}

// words is text with every run of blanks and line ends as one blank.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

// command runs postseal on a message and returns its output and exit code.
func (s *story) command(msg []byte, args ...string) ([]byte, int) {
	s.Helper()
	cmd := exec.Command(string(postseal), append(append(args, "--config", s.daemon.Config), "-")...)
	cmd.Stdin = bytes.NewReader(msg)
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		s.Fatal(err)
	}
	return out, cmd.ProcessState.ExitCode()
}
