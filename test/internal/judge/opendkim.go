package judge

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"strings"

	"github.com/postseal/postseal/test/internal/sink"
)

// OpenDKIM is opendkim-testmsg of Debian's opendkim-tools. It has one verdict for a message, so it is shown each
// signature alone; a signature does not cover the others (RFC 6376, 5.4), so that changes nothing.
func OpenDKIM(msg []byte) ([]Verdict, error) {
	_, body, _ := bytes.Cut(msg, []byte("\r\n\r\n"))
	var others, signatures []string
	for _, field := range sink.Fields(msg) {
		if isSignature.MatchString(field) {
			signatures = append(signatures, field)
		} else {
			others = append(others, field)
		}
	}
	rest := strings.Join(others, "") + "\r\n" + string(body)
	verdicts := make([]Verdict, len(signatures))
	for i, s := range signatures {
		cmd := exec.Command("opendkim-testmsg", "-C") // -C: the message has CRLF lines
		cmd.Stdin = strings.NewReader(s + rest)
		out, err := cmd.CombinedOutput()
		if _, ended := err.(*exec.ExitError); err != nil && !ended {
			return nil, err
		}
		verdicts[i] = Verdict{Domain: tag(s, "d"), Selector: tag(s, "s"), Pass: err == nil}
		if err != nil {
			verdicts[i].Why = fmt.Sprintf("%v: %s", err, bytes.TrimSpace(out))
		}
	}
	return verdicts, nil
}

var isSignature = regexp.MustCompile(`(?i)^DKIM-Signature[ \t]*:`)

// tag reads d= or s= of a signature field.
func tag(field, name string) string {
	_, list, _ := strings.Cut(field, ":")
	for part := range strings.SplitSeq(list, ";") {
		if n, value, _ := strings.Cut(part, "="); strings.TrimSpace(n) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
