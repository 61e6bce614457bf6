package doctor

import (
	"path"
	"strings"
)

// program is a milter of others, with what matters for the order.
type program struct {
	name    string
	marks   []string // its name in socket paths, host names or Sendmail's filter names
	port    string   // that its manual uses
	reads   bool     // wants our results: it has to come after us
	changes bool     // may change what is signed: it has to come before us
	signs   bool     // makes DKIM signatures itself
	writes  bool     // writes Authentication-Results in the name of this host
}

// programs are recognised by the address that the MTA knows them by. A port that is ours too tells nothing.
var programs = []program{
	{name: "OpenDMARC", marks: []string{"opendmarc"}, port: "8893", reads: true, writes: true},
	{name: "OpenARC", marks: []string{"openarc"}, reads: true, writes: true},
	{name: "OpenDKIM", marks: []string{"opendkim"}, signs: true, writes: true},
	{name: "dkimpy-milter", marks: []string{"dkimpy"}, signs: true, writes: true},
	{name: "rspamd", marks: []string{"rspamd"}, port: "11332", changes: true, writes: true},
	{name: "an SPF milter", marks: []string{"spf"}, writes: true},
	{name: "amavisd-milter", marks: []string{"amavis"}, changes: true},
	{name: "SpamAssassin's milter", marks: []string{"spamass"}, changes: true},
	{name: "clamav-milter", marks: []string{"clamav", "clmilter"}, port: "7357", changes: true},
	{name: "MIMEDefang", marks: []string{"mimedefang"}, changes: true},
	{name: "altermime", marks: []string{"altermime"}, changes: true},
	{name: "a milter of Mailman's", marks: []string{"mailman"}, changes: true},
	{name: "milter-greylist", marks: []string{"greylist"}},
}

// recognise finds the program behind a milter's address, by the name that Sendmail gives it or the program that listens there.
func (f *Facts) recognise(m Milter, name string, at Endpoint) (program, bool) {
	listening := f.Sockets[at].Program
	if listening == serviceName {
		return program{}, false
	}
	address := m.Address
	if m.Network == "unix" {
		address = path.Join(path.Base(path.Dir(address)), path.Base(address))
	}
	text := strings.ToLower(strings.Join([]string{address, name, listening}, " "))
	for _, p := range programs {
		for _, mark := range p.marks {
			if strings.Contains(text, mark) {
				return p, true
			}
		}
		if p.port != "" && m.Network == "tcp" && strings.HasSuffix(address, ":"+p.port) {
			return p, true
		}
	}
	if listening != "" {
		return program{name: listening}, true
	}
	return program{}, false
}

// serviceName is the name of our program, user and unit.
const serviceName = "postseal"
