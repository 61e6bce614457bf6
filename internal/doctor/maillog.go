package doctor

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Deliveries are what Postfix's log says of mail to other hosts.
type Deliveries struct {
	Log                     string // where it was read
	Sent, Bounced, Deferred int    // recipients; one that was deferred may count again later
	Err                     error  // why the reading ended early
}

// maxLogLine bounds a line of the log; longer ones are cut.
const maxLogLine = 16 << 10

// ReadMailLog counts the deliveries of Postfix's SMTP client (TST-12), and mail that the queue manager gave up.
func ReadMailLog(name string, r io.Reader) *Deliveries {
	d := &Deliveries{Log: name}
	lines := bufio.NewReaderSize(r, maxLogLine)
	for {
		line, err := lines.ReadSlice('\n')
		d.count(string(line))
		for err == bufio.ErrBufferFull { // the rest of a line that is too long
			_, err = lines.ReadSlice('\n')
		}
		if err != nil {
			if err != io.EOF {
				d.Err = err
			}
			return d
		}
	}
}

// count reads one line: "… postfix/smtp[123]: 4bABC: to=<a@b>, relay=…, dsn=2.0.0, status=sent (250 ok)".
func (d *Deliveries) count(line string) {
	head, rest, ok := strings.Cut(line, "]: ")
	if !ok {
		return
	}
	words := strings.Fields(head)
	if len(words) == 0 {
		return
	}
	program, _, _ := strings.Cut(words[len(words)-1], "[")
	daemon := program[strings.LastIndexByte(program, '/')+1:]
	if !strings.HasPrefix(program, "postfix") || daemon != "smtp" && daemon != "qmgr" {
		return
	}
	_, status, ok := strings.Cut(rest, ", status=") // a stranger's words come behind it
	if !ok {
		return
	}
	word := strings.TrimRight(status[:strings.IndexAny(status+" ", " ,\r\n")], ",")
	switch {
	case daemon == "smtp" && word == "sent":
		d.Sent++
	case daemon == "smtp" && word == "bounced", daemon == "qmgr" && word == "expired":
		d.Bounced++
	case daemon == "smtp" && word == "deferred":
		d.Deferred++
	}
}

const (
	mostBounces = 5  // percent; more make receivers doubt the sender (TST-12)
	fewBounces  = 20 // deliveries; fewer say nothing
)

// bounceRate judges how much of the mail came back.
func (e *examination) bounceRate() {
	d := e.Deliveries
	if d == nil {
		return
	}
	if d.Err != nil {
		e.raise("not-seen", texts{"what": "the end of " + d.Log, "error": d.Err.Error()})
	}
	all := d.Sent + d.Bounced
	if all < fewBounces {
		e.raiseAs("bounces", Note, texts{"log": d.Log, "found": fmt.Sprintf("deliveries: %d, too few to judge", all), "most": fmt.Sprint(mostBounces)})
		return
	}
	t := texts{
		"log": d.Log, "most": fmt.Sprint(mostBounces),
		"found": fmt.Sprintf("%d of %d deliveries came back (%.1f %%); %d attempts were put off", d.Bounced, all, 100*float64(d.Bounced)/float64(all), d.Deferred),
	}
	if d.Bounced*100 >= all*mostBounces {
		e.raise("bounces", t)
	} else {
		e.raiseAs("bounces", Note, t)
	}
}
