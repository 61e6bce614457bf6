package doctor

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/dns/authority"
)

// zone is a resolver with TXT records by name; names that it does not have do not exist.
type zone map[string][]string

func (z zone) Peek(_ context.Context, name string, t authority.Type) authority.Answer {
	a := authority.Answer{Server: "127.0.0.1:53", Status: authority.NXDomain}
	if t == authority.NS {
		a.Status = authority.NoData
	}
	for _, text := range z[name] {
		a.Status = authority.Found
		a.Records = append(a.Records, authority.Record{Type: authority.TXT, Strings: []string{text}})
	}
	return a
}

func (z zone) Check(context.Context, check.Subject) check.Result { return check.Result{} }

// lookAt has the doctor look at one domain of a zone.
func lookAt(t *testing.T, z zone, domain string) (*Facts, []Finding) {
	t.Helper()
	f := Gather(t.Context(), Sources{Config: config.Default(), Missing: true, Only: domain, Checker: z, Records: z})
	return f, JudgeDomain(f)
}

func wordsOf(findings []Finding) string {
	var all []string
	for _, f := range findings {
		all = append(all, f.Word)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestRequirements(t *testing.T) {
	// doctor DOMAIN also looks at SPF and DMARC.
	t.Run("KAR-1", func(t *testing.T) {
		f, findings := lookAt(t, zone{"_dmarc.example.com": {"v=DMARC1; p=none; adkim=s"}, "example.com": {"v=spf1 -all", "v=spf10 -all", "other"}}, "example.com")
		d := f.Domains[0]
		if len(findings) != 0 || d.DMARC.Request != "none" || !d.DMARC.Strict || !slices.Equal(d.SPF, []string{"v=spf1 -all"}) {
			t.Errorf("got %+v, %s", d, wordsOf(findings))
		}
		if _, findings := lookAt(t, zone{}, "example.com"); wordsOf(findings) != "dmarc-missing spf-missing" {
			t.Errorf("found %s", wordsOf(findings))
		}
	})
	// If only somebody else's service sends, nothing is nagged about: the domain needs no key here.
	t.Run("KAR-31", func(t *testing.T) {
		f := healthy()
		f.Ours.Keys, f.Ours.Lines, f.Domains = 0, 0, nil
		findings := Judge(f)
		if wordsOf(findings) != "nothing-signed" || Worst(findings) != Note || !strings.Contains(findings[0].Change, "nothing, if another service signs for you") {
			t.Errorf("found %+v", findings)
		}
	})
	// Such services are known, with the place where their DKIM is set up.
	t.Run("KAR-32", func(t *testing.T) {
		for host, name := range map[string]string{
			"[email-smtp.eu-west-1.amazonaws.com]:587": "Amazon SES", "[smtp.sendgrid.net]:587": "SendGrid", "smtp.mailgun.org": "Mailgun",
			"[smtp.postmarkapp.com]:2525": "Postmark", "[smtp-relay.gmail.com]": "Google Workspace", "smtp.office365.com:587": "Microsoft 365",
			"[example-com.mail.protection.outlook.com]": "Microsoft 365",
		} {
			f := healthy()
			param(f, "relayhost", host)
			if findings := Judge(f); wordsOf(findings) != "relay-signs" || !strings.HasPrefix(findings[0].Title, name+" ") {
				t.Errorf("%s: found %+v", host, findings)
			}
		}
	})
	// DMARC that demands signatures makes their absence worse (D610).
	t.Run("OCR-6", func(t *testing.T) {
		for record, want := range map[string]bool{
			"v=DMARC1; p=none": false, "v=DMARC1; p=quarantine": true, "v=DMARC1; p=reject": true, "v=DMARC1; p=reject; sp=none": true,
		} {
			f, _ := lookAt(t, zone{"_dmarc.example.com": {record}, "example.com": {"v=spf1 -all"}}, "example.com")
			f.Ours.Tabled = true // and there is no key
			if got := strings.Contains(wordsOf(JudgeDomain(f)), "dmarc-unsigned"); got != want {
				t.Errorf("%s: dmarc-unsigned is %v", record, got)
			}
		}
		// Below the registered domain sp= counts, and a record of its own before all.
		for _, c := range []struct {
			records zone
			want    string
		}{
			{zone{"_dmarc.example.com": {"v=DMARC1; p=reject; sp=none"}}, "none"},
			{zone{"_dmarc.example.com": {"v=DMARC1; p=reject"}}, "reject"},
			{zone{"_dmarc.example.com": {"v=DMARC1; p=reject"}, "_dmarc.news.example.com": {"v=DMARC1; p=none"}}, "none"},
		} {
			if f, _ := lookAt(t, c.records, "news.example.com"); f.Domains[0].DMARC.Request != c.want {
				t.Errorf("%v: %+v, want %s", c.records, f.Domains[0].DMARC, c.want)
			}
		}
	})
	// A From domain signed with another d= is told.
	t.Run("TST-11", func(t *testing.T) {
		f := healthy()
		f.Domains[0].DMARC.Request, f.Domains[0].Rows[0].Signs = "none", []string{"provider.example"}
		if findings := Judge(f); wordsOf(findings) != "not-aligned" {
			t.Errorf("found %s", wordsOf(findings))
		}
	})
}

// With one domain notes about its keys are told as well, and what its line lacks.
func TestJudgeDomain(t *testing.T) {
	f := healthy()
	f.Domains[0].Keys[0].Result.Findings = []check.Finding{{Code: "D605", Severity: check.Note}}
	f.Domains[0].Rows[0].Out = "keytable:1: no such file"
	if got := wordsOf(JudgeDomain(f)); got != "D605 dmarc-unsigned row-out-of-service" {
		t.Errorf("found %s", got)
	}
}

// DMARC of a resolver that fails is not "none".
func TestNoAnswer(t *testing.T) {
	_, err := askDMARC(t.Context(), silent{}, "example.com")
	if err == nil {
		t.Error("no error")
	}
	f := Gather(t.Context(), Sources{Config: config.Default(), Missing: true, Only: "example.com", Checker: zone{}, Records: silent{}})
	if got := wordsOf(JudgeDomain(f)); got != "resolver-silent" {
		t.Errorf("found %s", got)
	}
}

type silent struct{}

func (silent) Peek(context.Context, string, authority.Type) authority.Answer {
	return authority.Answer{Server: "127.0.0.1:53", Status: authority.TimedOut, Detail: "i/o timeout"}
}
