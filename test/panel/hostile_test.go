package panel

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/browser"
)

// Whatever stands in DNS or in the fields of a form is text. What a browser makes of it would be a complaint at the end of the story.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	s := begin(t, setup{})
	p := s.loggedIn("admin", browser.Options{})
	const trap = `<script>document.title='caught'</script><img src=http://127.9.9.9/x onerror=alert(1)>`

	p.follows("+ DKIM records")
	p.fills("Domain, as yourdomain.com: no “www” or any other characters", `"><script>document.title='caught'</script>`)
	p.follows("Add DKIM record")
	p.sees(`<script>document.title='caught'</script>`)
	p.fills("Domain, as yourdomain.com: no “www” or any other characters", s.zone)
	p.follows("Add DKIM record")
	p.sees("Saved for " + s.zone)
	s.must(dns.SetTXT(p.copies("Copy…", finalDot), "v=DKIM1; k=rsa; n="+trap+"; p=AAAA"))
	p.follows("Verify")
	p.sees("is not correct", "<script>")

	p.goes("/domains/" + s.zone + "/dkim")
	p.fills("Who changes the DNS (contact)", `<b>"Ada" & 'Bob'</b>`)
	p.follows("Save settings")
	if f := p.field("Who changes the DNS (contact)"); f.Value != `<b>"Ada" & 'Bob'</b>` && !strings.Contains(text(p), "Ada") {
		p.Errorf("%+v", f)
	}
	p.goes("/domains?q=%22%3E%3Cscript%3Edocument.title%3D%27caught%27%3C%2Fscript%3E&status=%3Cb%3E")
	if f := p.field("Search"); f.Value != `"><script>document.title='caught'</script>` {
		p.Errorf("%+v", f)
	}
	p.goes("/journal?domain=%3Cscript%3E")
	p.goes("/domains/%3Cscript%3E/dkim")
	p.sees("there is no such page")
	for _, path := range []string{"/domains", "/domains/" + s.zone + "/dkim", "/domains/" + s.zone + "/setup", "/journal"} {
		p.goes(path)
		if title, err := p.page.Title(); err != nil || strings.Contains(title, "caught") {
			p.Errorf("%s: title %q, %v", path, title, err)
		}
	}
}

func text(p *person) string {
	p.Helper()
	seen, err := p.page.Text()
	p.check(err)
	return seen
}
