package life

import (
	"bytes"
	"regexp"
	"strings"
	"time"

	"github.com/postseal/postseal/milter/miltertest"
)

const (
	manyMessages = 500 // of each host
	fewLooks     = 50  // statements of one kind that are no sign of messages
	looksASecond = 2   // and what time alone brings of one kind, on a machine that takes its time to sign
)

// unseen signs messages by the thousand, and counts what PostgreSQL is asked meanwhile: whatever a message, or one in twenty, made it
// ask would be there more often than what comes with the time, the lease and the looks for changes.
func unseen(fleet []*story, domain, key string) {
	s := fleet[0]
	s.Helper()
	s.ok("domain", "enable", domain)
	for _, host := range fleet {
		host.signedSoon(domain, key)
	}
	before, began := len(database.Log()), time.Now()
	for _, host := range fleet {
		host.signMany(domain, key, manyMessages)
	}
	asked := database.Log()[before:]
	few := fewLooks + looksASecond*int(time.Since(began).Seconds())
	count := map[string]int{}
	for _, m := range statement.FindAllSubmatch(asked, -1) {
		count[string(m[1])]++
	}
	for text, n := range count {
		if n > few {
			s.Errorf("%d messages made PostgreSQL do %d times: %s", len(fleet)*manyMessages, n, text)
		}
	}
	s.Logf("%d messages, and %d statements meanwhile, of %d kinds", len(fleet)*manyMessages, bytes.Count(asked, []byte("LOG:  ")), len(count))
	s.ok("domain", "disable", domain)
	if !strings.Contains(string(database.Log()[before:]), "INTO domains") {
		s.Error("the statements are not in PostgreSQL's log")
	}
}

// statement is a line of PostgreSQL's log about what it does.
var statement = regexp.MustCompile(`(?m)LOG:  (?:statement|execute [^:]*): (.*)$`)

// signMany has the daemon sign messages, without a mail server: one for all of them would be slower than what is looked at.
func (s *story) signMany(domain, key string, n int) {
	s.Helper()
	m, err := miltertest.Dial("tcp", s.milter)
	s.Must(err)
	defer m.Close()
	_, err = m.Negotiate(miltertest.PostfixOffer)
	s.Must(err)
	m.Client.Addr = "127.0.0.1"
	want := "d=" + strings.ReplaceAll(key, "/", "; s=") + ";"
	for range n {
		c := compose("ada@" + domain)
		result, err := m.Send(miltertest.Message{From: "<" + c.from + ">", To: []string{"<reader@in.test>"}, Raw: c.data})
		s.Must(err)
		if len(result.Modifications) != 1 || !strings.Contains(strings.Join(strings.Fields(result.Modifications[0].Value), " "), want) {
			s.Fatalf("%+v, want a signature with %s", result.Modifications, want)
		}
	}
}
