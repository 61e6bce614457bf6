package e2e

import (
	"os"
	"strings"
	"testing"
)

func TestReloadSignsWithTheNewKeyAndSurvivesABrokenTable(t *testing.T) {
	s := begin(t, setup{})
	session := s.connect("", directAddress)
	s.isSigned(s.send(session, compose("alice@lab.test")), plain, "lab.test/r1")

	s.Write("keytable", key("lab", "r2"))
	if l := s.reload(); l.Level != "INFO" {
		t.Errorf("reload: %s", l.Text)
	}
	s.isSigned(s.send(session, compose("alice@lab.test")), plain, "lab.test/r2")

	good, err := os.ReadFile(s.Path("keytable"))
	s.Must(err)
	s.Write("keytable", "# a comment\nlab lab.test:r1\n")
	if l := s.reload(); l.Level != "ERROR" || !strings.Contains(l.Text, s.Path("keytable")+":2") {
		t.Errorf("reload of a broken table: %s", l.Text)
	}
	d := s.send(session, compose("alice@lab.test"))
	s.Must(session.Quit())
	s.Write("keytable", string(good)) // explain reads the files
	s.isSigned(d, plain, "lab.test/r2")
}
