package sendmail

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/sink"
)

// Sendmail gives a milter 10 seconds for a reply (T=R:10s), at the end of a message too. There, and nowhere else, postseal waits
// for DNS, and tells Sendmail that it is still at work: a stranger with a slow name server does not get past it.
func TestSlowDNSDoesNotLetForgeriesPass(t *testing.T) {
	var servers []string
	for _, address := range []string{"127.7.0.56", "127.7.0.57", "127.7.0.58"} { // each is asked twice, for two seconds
		silent, err := net.ListenPacket("udp", address+":53")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { silent.Close() })
		servers = append(servers, strconv.Quote(address))
	}
	s := begin(t, setup{more: "[dns]\nnameservers = [" + strings.Join(servers, ", ") + "]\ntimeout = \"11s\"\n"})
	session := s.connect(mxAddress)
	d := s.send(session, s.signedByStranger(withForgeries("bob@out.test")))
	s.Must(session.Quit())
	s.isClean(d, 1)
	if all := sink.Values(d.Data, results); d.line.Reason != "temperror" || !strings.Contains(all[0], "dkim=temperror") {
		t.Errorf("the message says %q, the log %s", all, d.line.Text)
	}
}
