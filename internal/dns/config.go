package dns

import (
	"cmp"
	"time"
)

// Config says how to look up. The zero value of each field stands for its default.
type Config struct {
	// Servers are recursive resolvers, in the order in which they are asked: "127.0.0.53", "192.0.2.1:5353", "2001:db8::1",
	// "[2001:db8::1]:5353". Addresses, since a name would need a look-up. Default: the nameserver lines of ResolvConf.
	Servers []string
	// ResolvConf is read, if there are no Servers, at the start and whenever it has changed; one without a nameserver line means
	// 127.0.0.1 (resolv.conf(5)). Default: /etc/resolv.conf.
	ResolvConf string
	// Timeout is for one question to one server, UDP and TCP each. Default: 2 seconds.
	Timeout time.Duration
	// Attempts is how often every server is asked. Default: 2.
	Attempts int
	// Deadline is for a look-up, with all its questions. Default: 8 seconds, less than the verifier waits, since only who is still there
	// hears what was tried.
	Deadline time.Duration
	// CacheSize is how many names are kept, with 1 KiB for each on the average. Default: 4096. Negative: no cache.
	CacheSize int
	// TrustAD are addresses or networks of servers, besides the host's own (127.0.0.0/8, ::1), whose AD bit is believed: that server
	// validates, and nobody sits on the way to it.
	TrustAD []string
	// RecordsFile is a file of static records, which are asked before anything else, for tests and for hosts without DNS. A line is
	// a name, blanks and the text of a TXT record without quotes ("s1._domainkey.example.com v=DKIM1; p=..."), as in OpenDKIM's
	// TestPublicKeys; "#" begins a comment. Several lines with one name are several records.
	RecordsFile string
	// Observe is called at the end of every look-up, by several goroutines at a time.
	Observe func(Event)
	// Now is the clock of the cache. Default: time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	c.ResolvConf = cmp.Or(c.ResolvConf, "/etc/resolv.conf")
	c.Timeout = positiveOr(c.Timeout, 2*time.Second)
	c.Attempts = positiveOr(c.Attempts, 2)
	c.Deadline = positiveOr(c.Deadline, 8*time.Second)
	c.CacheSize = cmp.Or(c.CacheSize, 4096)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func positiveOr[T int | time.Duration](value, otherwise T) T {
	if value > 0 {
		return value
	}
	return otherwise
}
