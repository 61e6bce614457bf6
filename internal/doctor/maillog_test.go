package doctor

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const logLines = `Nov 22 05:00:01 mx postfix/smtp[11]: 4bA: to=<a@b.example>, relay=mx.b.example[192.0.2.1]:25, delay=1, dsn=2.0.0, status=sent (250 2.0.0 ok)
2026-11-22T05:00:02.000000+00:00 mx postfix-out/smtp[12]: 4bB: to=<c@b.example>, relay=none, dsn=5.1.1, status=bounced (host mx said: 550 no, status=sent (x))
Nov 22 05:00:03 mx postfix/smtp[11]: 4bC: to=<a@d.example>, relay=none, dsn=4.4.1, status=deferred (connection timed out)
Nov 22 05:00:04 mx postfix/qmgr[9]: 4bD: from=<a@example.com>, status=expired, returned to sender
Nov 22 05:00:05 mx postfix/local[8]: 4bE: to=<root@example.com>, relay=local, dsn=2.0.0, status=sent (delivered to mailbox)
Nov 22 05:00:06 mx postfix/lmtp[8]: 4bF: to=<u@example.com>, relay=x, dsn=5.1.1, status=bounced (no such user)
Nov 22 05:00:07 mx other/smtp[8]: x: to=<a@b>, status=bounced (not Postfix)
Nov 22 05:00:08 mx postfix/smtp[11]: connect to mx.d.example[192.0.2.9]:25: Connection timed out
`

func TestReadMailLog(t *testing.T) {
	long := "Nov 22 05:00:09 mx postfix/smtp[11]: 4bG: to=<" + strings.Repeat("x", 3*maxLogLine) + ">, status=bounced (long)\n"
	d := ReadMailLog("mail.log", strings.NewReader(logLines+long+logLines[:strings.Index(logLines, "\n")]))
	if d.Sent != 2 || d.Bounced != 2 || d.Deferred != 1 || d.Err != nil {
		t.Errorf("got %+v", *d)
	}
	broken := errors.New("input/output error")
	if d := ReadMailLog("mail.log", io.MultiReader(strings.NewReader(logLines), iotest.ErrReader(broken))); d.Sent != 1 || d.Err != broken {
		t.Errorf("got %+v", *d)
	}
}

// TST-12: from 5 % of mail that comes back on, the doctor warns.
func TestBounceRate(t *testing.T) {
	t.Run("TST-12", func(t *testing.T) {
		for _, c := range []struct {
			d    Deliveries
			want string
		}{
			{Deliveries{Sent: 95, Bounced: 5, Deferred: 7}, "warning 5 of 100 deliveries came back (5.0 %); 7 attempts were put off"},
			{Deliveries{Sent: 951, Bounced: 49}, "note 49 of 1000 deliveries came back (4.9 %); 0 attempts were put off"},
			{Deliveries{Sent: 10, Bounced: 9}, "note deliveries: 19, too few to judge"},
			{Deliveries{Sent: 10, Bounced: 10}, "warning 10 of 20 deliveries came back (50.0 %); 0 attempts were put off"},
		} {
			f := healthy()
			c.d.Log = "/var/log/mail.log"
			f.Deliveries = &c.d
			findings := Judge(f)
			if len(findings) != 1 || findings[0].Word != "bounces" || fmt.Sprint(findings[0].Severity, " ", findings[0].Found) != c.want {
				t.Errorf("got %+v, want %s", findings, c.want)
			}
		}
	})
}

func FuzzMailLog(f *testing.F) {
	f.Add(logLines)
	f.Add("]: , status=")
	f.Fuzz(func(t *testing.T, text string) {
		d := ReadMailLog("log", strings.NewReader(text))
		if n := strings.Count(text, ", status="); d.Sent+d.Bounced+d.Deferred > n || d.Err != nil {
			t.Errorf("%+v of %d", *d, n)
		}
	})
}
