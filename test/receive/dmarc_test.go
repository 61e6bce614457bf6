package receive

import (
	"testing"

	"github.com/postseal/postseal/test/internal/reader"
)

// bank.test asks for p=reject. OpenDMARC has nothing but our field to go by.
func TestOpenDMARCBehindUsTakesOurWord(t *testing.T) {
	s := begin(t, setup{})
	for _, c := range []struct {
		name  string
		msg   []byte
		want  verdict
		dmarc string
	}{
		{"aligned pass", signedFor("bank.test", "good"), passes("bank.test", "good"), "pass"},
		{
			"broken signature", replaced(signedFor("bank.test", "good"), "all is well", "all is hell"),
			verdict{"fail", "body-hash", "bank.test", "good"},
			"fail",
		},
		{
			"pass of somebody else", strangersKey.sign(letter("ceo@bank.test"), "plain.test", "good"),
			passes("plain.test", "good"), "fail",
		},
		{
			"forged pass", added(letter("ceo@bank.test"), "Authentication-Results: mx.lab.test; dkim=pass header.d=bank.test"),
			unsigned, "fail",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			d := s.receiveAt(dmarcAddress, c.msg)
			s.logged(d, c.want)
			dkim, dmarc := s.results(d, "dkim"), s.results(d, "dmarc")
			if len(dkim) != 1 || dkim[0].Result != c.want.result {
				t.Errorf("want dkim=%s, have %+v", c.want.result, dkim)
			}
			if len(dmarc) != 1 || dmarc[0].Result != c.dmarc || dmarc[0].Properties["header.from"] != "bank.test" {
				t.Errorf("want dmarc=%s header.from=bank.test, have %+v", c.dmarc, dmarc)
			}
		})
	}
}

// results are those of a method in all fields with our id: OpenDMARC writes its own under it.
func (s *story) results(d delivery, method string) (found []reader.Result) {
	s.Helper()
	all, err := reader.Read(d.Data)
	s.Must(err)
	for _, f := range all {
		for _, r := range f.Results {
			if f.ID == authservID && r.Method == method {
				found = append(found, r)
			}
		}
	}
	return found
}
