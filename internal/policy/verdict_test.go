package policy

import (
	"testing"

	"github.com/postseal/postseal/dkim"
)

func TestSituation(t *testing.T) {
	for name, c := range map[string]struct {
		verdict Verdict
		want    Situation
	}{
		"pass":                {Verdict{Status: dkim.Pass}, Passed},
		"none":                {Verdict{Status: dkim.None}, NoSignature},
		"body changed":        {Verdict{Status: dkim.Fail, Reason: dkim.ReasonBodyHash}, BadSignature},
		"no key":              {Verdict{Status: dkim.PermError, Reason: dkim.ReasonNoKey}, KeyNotFound},
		"revoked":             {Verdict{Status: dkim.PermError, Reason: dkim.ReasonKeyRevoked}, KeyNotFound},
		"DNS":                 {Verdict{Status: dkim.TempError, Reason: dkim.ReasonDNSTimeout}, DNSError},
		"small key":           {Verdict{Status: dkim.PermError, Reason: dkim.ReasonKeyTooSmall}, KeyTooSmall},
		"syntax":              {Verdict{Status: dkim.Neutral, Reason: dkim.ReasonSyntax}, Malformed},
		"expired":             {Verdict{Status: dkim.PermError, Reason: dkim.ReasonExpired}, Malformed},
		"several From":        {Verdict{Status: dkim.Policy, Reason: dkim.ReasonMultipleFrom}, Security},
		"fail under t=y":      {Verdict{Status: dkim.Fail, Testing: true}, NoSignature},
		"pass under t=y":      {Verdict{Status: dkim.Pass, Testing: true}, Passed},
		"DNS trouble and t=y": {Verdict{Status: dkim.TempError, Testing: true}, NoSignature},
	} {
		if got := c.verdict.Situation(); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

func TestJudge(t *testing.T) {
	v := Verification{Domains: map[string]Actions{}}
	v.Actions[BadSignature], v.Actions[NoSignature], v.Actions[DNSError], v.Actions[Malformed] = RejectMail, QuarantineMail, TempfailMail, DiscardMail
	bank := v.Actions
	bank[NoAlignedPass] = RejectMail
	v.Domains["bank.example"], v.Domains[".bank.example"] = bank, bank

	pass := Verdict{Status: dkim.Pass, Domain: "example.com"}
	bad := Verdict{Status: dkim.Fail, Domain: "example.com"}
	dns := Verdict{Status: dkim.TempError, Domain: "example.com"}
	none := Verdict{Status: dkim.None}
	syntax := Verdict{Status: dkim.Neutral}
	testing := Verdict{Status: dkim.Fail, Domain: "bank.example", Testing: true}
	for name, c := range map[string]struct {
		authors   []string
		verdicts  []Verdict
		action    Action
		situation Situation
	}{
		"a pass":                             {[]string{"example.com"}, []Verdict{pass}, AcceptMail, Passed},
		"a bad one does not hide a good one": {[]string{"example.com"}, []Verdict{bad, pass}, AcceptMail, Passed},
		"a bad one":                          {[]string{"example.com"}, []Verdict{bad}, RejectMail, BadSignature},
		"the harshest counts":                {[]string{"example.com"}, []Verdict{syntax, bad}, RejectMail, BadSignature},
		"a later try may pass":               {[]string{"example.com"}, []Verdict{bad, dns}, TempfailMail, DNSError},
		"unsigned":                           {[]string{"example.com"}, []Verdict{none}, QuarantineMail, NoSignature},
		"a bank's own pass":                  {[]string{"bank.example"}, []Verdict{{Status: dkim.Pass, Domain: "bank.example"}}, AcceptMail, Passed},
		"a pass of the bank's parent":        {[]string{"mail.bank.example"}, []Verdict{{Status: dkim.Pass, Domain: "bank.example"}}, AcceptMail, Passed},
		"a pass of somebody else":            {[]string{"bank.example"}, []Verdict{pass}, RejectMail, NoAlignedPass},
		"a look-alike of the bank":           {[]string{"bank.example"}, []Verdict{{Status: dkim.Pass, Domain: "notbank.example"}}, RejectMail, NoAlignedPass},
		"the bank unsigned":                  {[]string{"x.bank.example"}, []Verdict{none}, RejectMail, NoAlignedPass},
		"a key under test rejects nobody":    {[]string{"bank.example"}, []Verdict{testing}, AcceptMail, Passed},
		"no author":                          {nil, []Verdict{bad}, RejectMail, BadSignature},
		"a stranger's key under test":        {[]string{"bank.example"}, []Verdict{{Status: dkim.Fail, Domain: "evil.example", Testing: true}}, RejectMail, NoAlignedPass},
		"the bank beside somebody else":      {[]string{"evil.example", "bank.example"}, []Verdict{{Status: dkim.Pass, Domain: "evil.example"}}, RejectMail, NoAlignedPass},
		"authors that cannot be read":        {nil, []Verdict{pass}, RejectMail, NoAlignedPass},
		"another domain's rule":              {[]string{"otherbank.example"}, []Verdict{pass}, AcceptMail, Passed},
	} {
		if action, situation := v.Judge(c.authors, c.verdicts); action != c.action || situation != c.situation {
			t.Errorf("%s: got %d %d, want %d %d", name, action, situation, c.action, c.situation)
		}
	}
}
