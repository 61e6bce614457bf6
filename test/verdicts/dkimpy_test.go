// Package verdicts asks another implementation about the test messages of our verifier.
package verdicts

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

//go:embed dkimpy.py
var script string

// differs lists the messages about which dkimpy has another opinion, with the sentence that decides. RFC 6376 where no other is named.
var differs = map[string]string{
	"T3":           "3.4.2: \"Delete any WSP characters remaining before and after the colon\", so there may be some; dkimpy refuses the message",
	"T4/VT and FF": "2.8: WSP is space and tab; dkimpy strips what Python calls white space",

	"T6/n=":     "3.2: a tag ends at a semicolon, so a \"b=\" inside another tag is none; dkimpy empties it too",
	"T6/simple": "as T6/n=",

	"T10/kept":         "3.4.3: only CRLFs at the end of the body are changed; dkimpy makes CRLF of a bare LF",
	"T10/kept, simple": "as T10/kept",

	"T15/Subject": "8.15: \"verifiers might treat a message that has been prefixed with a second … field as suspicious\"; dkimpy looks at the signed one alone",

	"T18/short and appended": "8.2: \"Verifiers … might … ignore signatures with l= \" that do not cover the body: our policy, and an option",
	"T18/0":                  "as T18/short and appended",
	"T18/larger":             "3.5, l=: \"MUST NOT be larger than the actual number of octets in the canonicalized message body\"",
	"T18/2^64+n":             "as T18/larger",

	"T19/x= past":      "3.5, x=: \"signatures MAY be considered invalid if the verification time … is past the expiration date\"; dkimpy allows ten hours, we five minutes",
	"T19/x= before t=": "3.5, x=: \"MUST be greater than the value of the t= tag if both are present\"",
	"T19/x= equals t=": "as T19/x= before t=",

	"T20/with t=s":      "3.6.1, t=s: the domain of i= \"MUST NOT be a subdomain of d=\"",
	"T22/known too":     "3.5, q=: a list; \"implementations MUST use recognized query mechanisms in the order presented\"",
	"T23/h=sha1":        "3.6.1, h=: \"Verifiers MUST … ignore\" a key that does not list the hash of the signature",
	"T23/s=other:email": "3.6.1, s=: \"A colon-separated list of service types\"",
	"T24":               "3.6.1, v=: \"This tag MUST be the first tag in the record\"",
	"T25/quoted":        "3.6.1, p=: base64string, which has no quotes; Python's decoder drops what it does not know",

	"T28/SPF first":       "6.1.2, 4: \"the Verifier may choose one of the key records or may cycle through the key records\"; dkimpy takes the first TXT",
	"T28/wrong key first": "as T28/SPF first",
	"T28/revoked first":   "as T28/SPF first",

	"T30/8192": "3.3.3: \"Verifiers MAY be able to validate signatures with larger keys\" than 2048: we up to 4096, or by option",
	"T31/1":    "RFC 8017 3.1: the public exponent is \"between 3 and n - 1\"",
	"T33":      "RFC 8301 3.1: \"rsa-sha1 MUST NOT be used for signing or verifying\"",
}

// judged is what this test needs of a row of the corpus.
type judged struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Reason string `json:"reason"`
}

// TestDKIMPyAgrees compares pass and no pass: dkimpy has no words for the ways not to.
func TestDKIMPyAgrees(t *testing.T) {
	corpus := writeCorpus(t)
	opinions := ask(t, corpus)
	var rows []judged
	if err := json.Unmarshal(corpus, &rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		t.Run(row.Name, func(t *testing.T) {
			theirs, asked := opinions[row.Name]
			if !asked {
				t.Fatal("dkimpy was not asked")
			}
			agree := (row.Status == "pass") == (theirs == "pass")
			why, known := differs[row.Name]
			switch {
			case !agree && !known:
				t.Errorf("%s (%s) here, %q there", row.Status, row.Reason, theirs)
			case agree && known:
				t.Errorf("there is no such difference any more: %s", why)
			}
			delete(differs, row.Name)
		})
	}
	for name := range differs {
		t.Errorf("%s: no such message", name)
	}
}

// writeCorpus has the verifier's tests write their messages.
func writeCorpus(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "corpus.json")
	cmd := exec.Command("go", "test", "-count=1", "-run", "^TestCorpus$", "github.com/postseal/postseal/verifier", "-corpus", path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	corpus, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return corpus
}

// ask gives dkimpy's opinion of each message.
func ask(t *testing.T, corpus []byte) map[string]string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("/usr/bin/python3", "-c", script) // Debian's, which has its modules
	cmd.Stdin, cmd.Stderr = bytes.NewReader(corpus), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("dkimpy: %v\n%s", err, &stderr)
	}
	var opinions map[string]string
	if err := json.Unmarshal(out, &opinions); err != nil {
		t.Fatalf("dkimpy: %v in %q", err, out)
	}
	return opinions
}
