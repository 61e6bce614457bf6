package doctor

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// queueLifetime is how long the MTA keeps trying to deliver a message; 0 where that is not known.
func (e *examination) queueLifetime() (d time.Duration, where string) {
	if p := e.Postfix; p != nil {
		d, where = postfixTime(p.Params["maximal_queue_lifetime"]), "maximal_queue_lifetime in "+p.Dir+"/main.cf"
	}
	if s := e.Sendmail; s != nil {
		if own := sendmailTime(s.Options["Timeout.queuereturn"]); own > d {
			d, where = own, "Timeout.queuereturn in "+s.Path
		}
	}
	return d, where
}

// maxQueueTime is more than any mail server waits: what is longer was not meant.
const maxQueueTime = 10 * 365 * 24 * time.Hour

// postfixTime reads a time of main.cf whose unit is days unless it has one (postconf(5)).
func postfixTime(text string) time.Duration {
	unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "": 24 * time.Hour}
	digits := strings.TrimRight(text, "smhdwSMHDW")
	one := unit[strings.ToLower(text[len(digits):])]
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || one == 0 || time.Duration(n) > maxQueueTime/one {
		return 0
	}
	return time.Duration(n) * one
}

// sendmailTime reads a time of sendmail.cf: 5d, 4h30m (op.me, "time syntax").
func sendmailTime(text string) (sum time.Duration) {
	start := 0
	for i, r := range text {
		if r >= '0' && r <= '9' {
			continue
		}
		sum += postfixTime(text[start : i+1])
		start = i + 1
	}
	return sum + postfixTime(text[start:])
}

// days shows a time of days.
func days(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return fmt.Sprintf("%dh", (d+time.Hour-1)/time.Hour)
}
