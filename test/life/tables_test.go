package life

import (
	"fmt"
	"os"
	"testing"

	"github.com/postseal/postseal/test/internal/sandbox"
)

// Keys of the hand-edited tables beside a store: they sign at once, as their administrator expects.
func TestTables(t *testing.T) {
	t.Parallel()
	s, record := withTables(t, "watch")
	key := s.zone + "/hand"
	d := s.send("ada@" + s.zone)
	s.isSignedUnseen(d, "signing-table", key)
	s.fails(d)
	s.Must(dns.SetTXT(s.record("hand", s.zone), record))
	s.isSigned(s.send("ada@"+s.zone), "signing-table", key)
	s.within("the store says no", func() { // whatever the tables say
		s.add(s.zone)
		s.ok("domain", "disable", s.zone)
		s.soon("ada@"+s.zone, "disabled", func(d delivery) bool { return d.line.Reason == "domain-disabled" })
		s.isLeftAlone(s.send("ada@"+s.zone), "domain-disabled")
		s.ok("domain", "enable", s.zone)
		s.soon("ada@"+s.zone, "enabled", func(d delivery) bool { return d.line.Keys == key }) // the row of the domain goes before its managed key
	})
}

// The same behind the gate: they wait for DNS.
func TestTablesBehindTheGate(t *testing.T) {
	t.Parallel()
	s, record := withTables(t, "gate")
	key := s.zone + "/hand"
	s.isLeftAlone(s.send("ada@"+s.zone), "key-unavailable")
	s.Must(dns.SetTXT(s.record("hand", s.zone), record))
	s.tells("key.activated", "table:"+s.zone, 0)
	s.signedSoon(s.zone, key)
	s.isSigned(s.send("ada@"+s.zone), "signing-table", key)
	s.daemon.Kill()
	s.start()
	s.isSignedUnseen(s.send("ada@"+s.zone), "signing-table", key) // from the first message on
}

// withTables starts a daemon that signs for its zone with a key of postseal keygen, and gives the key's record.
func withTables(t *testing.T, tables string) (s *story, record string) {
	t.Helper()
	s = prepare(t, setup{})
	pem := s.Path("hand.pem")
	record, err := program.Keygen(s.zone, "hand", "rsa", pem)
	s.Must(err)
	s.Must(os.Chown(pem, sandbox.ServiceID, sandbox.ServiceID))
	s.Write("keytable", fmt.Sprintf("hand %s:hand:%s\n", s.zone, pem))
	s.Write("signingtable", "*@"+s.zone+" hand\n")
	s.Write("postseal.toml", s.configuration(setup{
		sign:   fmt.Sprintf("keytable = %q\nsigningtable = %q", s.Path("keytable"), "refile:"+s.Path("signingtable")),
		tables: fmt.Sprintf("[domains]\ntables = %q\n", tables),
	}))
	s.start()
	return s, record
}
