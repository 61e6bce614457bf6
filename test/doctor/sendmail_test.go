package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sendmail"
)

// sendmail.cf as m4 makes it of Debian's stock file and the packaged lines, before and after the remedies of the manual.
func TestSendmail(t *testing.T) {
	lines, err := os.ReadFile("../../packaging/mta/sendmail.mc")
	if err != nil {
		t.Fatal(err)
	}
	s := begin(t, byPort, "")
	s.serve(inetMilter)
	root := filepath.Join(sandbox.Dir(), "sendmail")
	mta, err := sendmail.Start(sendmail.Config{
		Root:       root,
		Daemons:    []sendmail.Daemon{{Name: "MTA", MSA: "MSA", Address: mtaAddress, Milters: []string{"postseal"}}},
		Submission: mtaAddress,
		NextHop:    sinkAddress,
		Settings:   string(lines) + "\n",
	})
	s.Must(err)
	t.Cleanup(func() { s.Must(mta.Stop()) })
	cf, mc := filepath.Join(root, "etc/mail/sendmail.cf"), filepath.Join(root, "etc/mail/sendmail.mc")
	args := []string{"--no-dns", "--sendmail-cf", cf}

	r := s.finds(args, "note sendmail-rewrites")
	rebuild := func(from, to string) {
		t.Helper()
		text, err := os.ReadFile(mc)
		s.Must(err)
		if !strings.Contains(string(text), from) {
			t.Fatalf("no %q in sendmail.mc", from)
		}
		s.Must(os.WriteFile(mc, []byte(strings.Replace(string(text), from, to, 1)), 0o644))
		s.run("chroot", root, "sh", "-c", "cd /etc/mail && m4 sendmail.mc >sendmail.cf")
	}
	_, remedies, _ := strings.Cut(r.change("sendmail-rewrites"), "\n")
	rebuild("MAILER_DEFINITIONS\n", remedies+"\nMAILER_DEFINITIONS\n")
	s.finds(args)

	rebuild("8891@127.0.0.1, F=,", "8891@127.0.0.1, F=R,")
	s.finds(args, "error filter-flag")
	rebuild("MAILER_DEFINITIONS\n", "MASQUERADE_AS(`lab.test')dnl\ndefine(`confMILTER_MACROS_ENVFROM', `i')dnl\nMAILER_DEFINITIONS\n")
	s.finds(args, "error filter-flag", "warning masqueraded", "error macros-missing")
	rebuild("InputMailFilters=postseal", "InputMailFilters=")
	s.finds(args, "error filter-flag", "warning masqueraded", "error macros-missing", "warning daemon-not-wired")

	s.Must(os.Chtimes(mc, time.Time{}, time.Now().Add(time.Hour)))
	s.finds(args, "error filter-flag", "warning masqueraded", "error macros-missing", "warning daemon-not-wired", "warning cf-older-than-mc")
	s.Must(os.WriteFile(cf, nil, 0o644))
	s.finds(args, "error cf-not-built", "warning cf-older-than-mc")
}
