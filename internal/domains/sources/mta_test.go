package sources_test

import (
	"testing"
)

// listing is what Postfix is asked for its domains.
const listing = "postconf -c /etc/postfix -x myorigin mydestination virtual_mailbox_domains virtual_alias_domains relay_domains"

// postfixWith is a Postfix with these lines of postconf -x, and with other parts.
func postfixWith(lists string, parts fakeSystem) fakeSystem {
	system := fakeSystem{"postconf -d -h config_directory": "/etc/postfix\n", "/etc/postfix/main.cf": "", listing: lists}
	for name, text := range parts {
		system[name] = text
	}
	return system
}

func TestPostfix(t *testing.T) {
	for _, test := range []struct {
		name, lists string
		parts       fakeSystem
		found       string
		remarks     []string
	}{
		{
			name:  "stock Debian",
			lists: "myorigin = /etc/mailname\nmydestination = $myhostname, mail.example.com, mail, localhost.example.com, , localhost\nvirtual_mailbox_domains =\nvirtual_alias_domains =\nrelay_domains =\n",
			parts: fakeSystem{"/etc/mailname": "example.com\n"},
			found: "example.com mail.example.com",
		},
		{
			name:  "each class",
			lists: "myorigin = a.example\nmydestination = b.example\nvirtual_mailbox_domains = c.example d.example\nvirtual_alias_domains = e.example\nrelay_domains = f.example\n",
			found: "a.example b.example c.example d.example e.example f.example",
		},
		{
			name:  "what is no domain to send for",
			lists: "mydestination = [192.0.2.1] [IPv6:2001:db8::1] !not.example .sub.example host.localdomain printer.local localhost.example 192.0.2.1 www.example.com\n",
		},
		{
			name:  "tables",
			lists: "virtual_alias_domains = hash:/etc/postfix/virtual\nvirtual_mailbox_domains = proxy:lmdb:/etc/postfix/vmail, inline:{ {g.example = 1}, h.example=2 }\n",
			parts: fakeSystem{
				"postmap -c /etc/postfix -s hash:/etc/postfix/virtual":                       "a.example\tanything\ninfo@b.example\tada\n@c.example\tada\nroot\tada\n",
				"postmap -c /etc/postfix -s lmdb:/etc/postfix/vmail":                         "d.example\tx y.example\n",
				"postmap -c /etc/postfix -s inline:{ {g.example = 1}, h.example=2 }":         "g.example\t1\nh.example\t2\n",
				"postmap -c /etc/postfix -s proxy:lmdb:/etc/postfix/vmail":                   "wrong.example\tx\n",
				"postmap -c /etc/postfix -s hash:/etc/postfix/virtual, proxy:lmdb:something": "wrong.example\tx\n",
			},
			found: "a.example d.example g.example h.example",
		},
		{
			name:    "a table whose index is not there",
			lists:   "virtual_alias_domains = hash:/etc/postfix/virtual hash:/etc/postfix/gone\n",
			parts:   fakeSystem{"/etc/postfix/virtual": "# domains\n\na.example  x\n  b.example\ninfo@c.example ada\nD.example x\n"},
			found:   "a.example d.example",
			remarks: []string{"virtual_alias_domains: postmap -c /etc/postfix -s hash:/etc/postfix/gone"},
		},
		{
			name:    "tables that cannot be listed",
			lists:   "virtual_mailbox_domains = mysql:/etc/postfix/d.cf, regexp:/etc/postfix/re a.example\n",
			found:   "a.example",
			remarks: []string{"virtual_mailbox_domains: mysql:/etc/postfix/d.cf: such a table cannot be listed", "regexp:/etc/postfix/re"},
		},
		{
			name:    "files of patterns",
			lists:   "mydestination = /etc/postfix/one, !/etc/postfix/not !hash:/etc/postfix/not /etc/postfix/none\n",
			parts:   fakeSystem{"/etc/postfix/not": "not.example", "/etc/postfix/one": "a.example b.example # two\n!c.example\n/etc/postfix/loop\n", "/etc/postfix/loop": "d.example\n/etc/postfix/loop\n"},
			found:   "a.example b.example d.example=2",
			remarks: []string{"too deep", "mydestination: open /etc/postfix/none"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, r := read(t, postfixWith(test.lists, test.parts), "postfix")
			if found != test.found || r.Err != nil {
				t.Errorf("found %q, want %q: %v", found, test.found, r.Err)
			}
			remarked(t, r, test.remarks...)
		})
	}
}

func TestNoMTA(t *testing.T) {
	for name, system := range map[string]fakeSystem{
		"none": {},
		"Postfix without main.cf, as installed without questions": {"postconf -d -h config_directory": "/etc/postfix\n"},
	} {
		for _, entry := range []string{"postfix", "sendmail"} {
			t.Run(name+", "+entry, func(t *testing.T) {
				if found, r := read(t, system, entry); found != "" || r.Err != nil || r.Remarks != nil {
					t.Errorf("found %q: %v, %v", found, r.Err, r.Remarks)
				}
			})
		}
	}
}

func TestSendmail(t *testing.T) {
	const cf = "/etc/mail/sendmail.cf"
	for _, test := range []struct {
		name    string
		system  fakeSystem
		found   string
		remarks []string
	}{
		{
			name: "stock Debian",
			system: fakeSystem{
				cf: "#  comment, Cwnot.example\nV10/Berkeley\nCwlocalhost\nFw-o /etc/mail/local-host-names %[^\\#]\n#Dj$w.Foo.COM\nDM\nCO @ % !\n" +
					"FR-o /etc/mail/relay-domains %[^\\#]\nKvirtuser hash -o /etc/mail/virtusertable\nR$* $: x\n\n",
				"/etc/mail/local-host-names": "# ours\nexample.com\nlocalhost\nshop.example # the shop\n",
				"/etc/mail/relay-domains":    "192.0.2\nrelayed.example\n",
				"/etc/mail/virtusertable":    "info@virtual.example ada\n@all.example %1@elsewhere.example\nada+*@virtual.example bob\nlocal ada\n#x@not.example y\n",
			},
			found: "all.example example.com relayed.example shop.example virtual.example=2",
		},
		{
			name:    "an index without its text",
			system:  fakeSystem{cf: "Kvirtuser hash -o /etc/mail/virtusertable\n", "/etc/mail/virtusertable.db": "\x00"},
			remarks: []string{"virtusertable, hash: open /etc/mail/virtusertable"},
		},
		{name: "optional files", system: fakeSystem{cf: "Fw-o /etc/mail/local-host-names\nKvirtuser hash -o /etc/mail/virtusertable.db\n"}},
		{
			name:   "names in the file",
			system: fakeSystem{cf: "Cw a.example b.example\nC{w}c.example\nC{VirtHost}d.example\nCPnot.example\nC{M}not.example\nDMe.example\nDjmail.e.example\nDj$w.e.example\nDnnot.example\n"},
			found:  "a.example b.example c.example d.example e.example mail.e.example",
		},
		{
			name:    "what cannot be listed",
			system:  fakeSystem{cf: "Fw|/usr/bin/list\nF{VirtHost}@ldap:-k (x)\nFw/etc/mail/gone\nKvirtuser ldap -1 -v x\nCwa.example\n"},
			found:   "a.example",
			remarks: []string{`"|/usr/bin/list": only files`, `"@ldap:-k": only files`, "open /etc/mail/gone", "virtusertable, ldap"},
		},
		{name: "broken lines", system: fakeSystem{cf: "C\nF\nFw\nFw-o\nK\nKvirtuser\nKvirtuser hash\nC{w\nD\nC{\nx"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, r := read(t, test.system, "sendmail")
			if found != test.found || r.Err != nil {
				t.Errorf("found %q, want %q: %v", found, test.found, r.Err)
			}
			remarked(t, r, test.remarks...)
		})
	}
}
