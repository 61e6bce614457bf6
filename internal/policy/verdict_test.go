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
		authors   Authors
		verdicts  []Verdict
		action    Action
		situation Situation
	}{
		"a pass":                             {Authors{Domains: []string{"example.com"}}, []Verdict{pass}, AcceptMail, Passed},
		"a bad one does not hide a good one": {Authors{Domains: []string{"example.com"}}, []Verdict{bad, pass}, AcceptMail, Passed},
		"a bad one":                          {Authors{Domains: []string{"example.com"}}, []Verdict{bad}, RejectMail, BadSignature},
		"the harshest counts":                {Authors{Domains: []string{"example.com"}}, []Verdict{syntax, bad}, RejectMail, BadSignature},
		"a later try may pass":               {Authors{Domains: []string{"example.com"}}, []Verdict{bad, dns}, TempfailMail, DNSError},
		"unsigned":                           {Authors{Domains: []string{"example.com"}}, []Verdict{none}, QuarantineMail, NoSignature},
		"a bank's own pass":                  {Authors{Domains: []string{"bank.example"}}, []Verdict{{Status: dkim.Pass, Domain: "bank.example"}}, AcceptMail, Passed},
		"a pass of the bank's parent":        {Authors{Domains: []string{"mail.bank.example"}}, []Verdict{{Status: dkim.Pass, Domain: "bank.example"}}, AcceptMail, Passed},
		"a pass of somebody else":            {Authors{Domains: []string{"bank.example"}}, []Verdict{pass}, RejectMail, NoAlignedPass},
		"a look-alike of the bank":           {Authors{Domains: []string{"bank.example"}}, []Verdict{{Status: dkim.Pass, Domain: "notbank.example"}}, RejectMail, NoAlignedPass},
		"the bank unsigned":                  {Authors{Domains: []string{"x.bank.example"}}, []Verdict{none}, RejectMail, NoAlignedPass},
		"a key under test rejects nobody":    {Authors{Domains: []string{"bank.example"}}, []Verdict{testing}, AcceptMail, Passed},
		"no author":                          {Authors{Raw: "mailer-daemon"}, []Verdict{bad}, RejectMail, BadSignature},
		"a stranger's key under test":        {Authors{Domains: []string{"bank.example"}}, []Verdict{{Status: dkim.Fail, Domain: "evil.example", Testing: true}}, RejectMail, NoAlignedPass},
		"the bank beside somebody else":      {Authors{Domains: []string{"evil.example", "bank.example"}}, []Verdict{{Status: dkim.Pass, Domain: "evil.example"}}, RejectMail, NoAlignedPass},
		"a From that is no address":          {Authors{Raw: "mailer-daemon(maildeliverysystem)"}, []Verdict{pass}, AcceptMail, Passed},
		"a From that may be the bank's":      {Authors{Raw: "ceo<ceo@bank.example><x@evil.example>"}, []Verdict{pass}, RejectMail, NoAlignedPass},
		"a From with an encoded word":        {Authors{Raw: "=?utf-8?b?y2vv?=<>"}, []Verdict{pass}, RejectMail, NoAlignedPass},
		"a From field that is lost":          {Authors{Domains: []string{"evil.example"}, Lost: true}, []Verdict{pass}, RejectMail, NoAlignedPass},
		"the bank's DNS does not answer":     {Authors{Domains: []string{"bank.example"}}, []Verdict{{Status: dkim.TempError, Domain: "bank.example"}}, TempfailMail, DNSError},
		"another domain's rule":              {Authors{Domains: []string{"otherbank.example"}}, []Verdict{pass}, AcceptMail, Passed},
	} {
		if action, situation := v.Judge(c.authors, c.verdicts); action != c.action || situation != c.situation {
			t.Errorf("%s: got %d %d, want %d %d", name, action, situation, c.action, c.situation)
		}
	}
}
