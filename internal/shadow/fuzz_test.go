package shadow

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/filter"
)

// FuzzMessage judges what strangers send; and whatever postseal signs itself is
// equivalent, under trace fields too.
func FuzzMessage(f *testing.F) {
	i := install(f, "k example.com:s1:./rsa.pem\nk example.com:ed:./ed.pem\n", "* k\n")
	judges := []*Judge{i.judge(""), i.judge("canonicalization = \"simple/simple\"\nidentity = \"domain\"\nexpire = \"2w\"")}
	f.Add(text)
	f.Add(judges[1].sign(f, text))
	f.Add("DKIM-Filter: x\n" + strings.ReplaceAll(judges[0].sign(f, text), "\r\n", "\n"))
	f.Add("DKIM-Signature: v=1; a=rsa-sha1; d=example.com; s=s1; h=from:from; i=a=20b@x.example.com; x=1; l=0; bh=AA==; b=AA==\r\nFrom: a@example.com\r\nFrom: b@example.com\r\n\r\n")
	f.Fuzz(func(t *testing.T, message string) {
		for _, j := range judges {
			if r, err := j.read(t, message); (err == nil) == (r == nil || len(r.Signatures) == 0) {
				t.Errorf("%+v, %v", r, err)
			}
			j.sealed(t, message)
		}
	})
}

// sealed signs a message if postseal would, and judges the result.
func (j *Judge) sealed(t *testing.T, message string) {
	fields, body, err := dkim.ParseFields([]byte(message))
	if err != nil || strings.Count(message, "\n") != strings.Count(message, "\r\n") {
		return
	}
	if fields.Count("DKIM-Signature") > 0 { // which might be taken for one that we made with the others
		return
	}
	facts := j.Facts
	facts.Fields = fields
	_, values := filter.Explain(t.Context(), j.Snapshot, facts, []byte(message[body:]), epoch)
	if len(values) == 0 {
		return
	}
	r := j.report(t, "Received: by x\r\nDKIM-Signature: "+values[0]+"\r\nDKIM-Signature: "+values[1]+"\r\n"+message)
	if r.Verdict != Note || len(r.Signatures) < 2 || r.Signatures[0].Control != Verifies {
		t.Errorf("%+v\n%q", r, message)
	}
}
