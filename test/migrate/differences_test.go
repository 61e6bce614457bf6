package migrate

import (
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// difference is something that postseal does otherwise on purpose.
type difference struct {
	what string // opendkim does, in the words of docs/coming-from-opendkim.md, which has the reason too
	// turn gives what postseal is to do where opendkim did o; o itself if the difference does not concern the message
	turn func(c scene, m message, o outcome) outcome
	seen *atomic.Int64 // how often it changed an outcome
}

// scene is a configuration with what opendkim did to each message.
type scene struct {
	configuration
	old map[string]outcome
}

func differs(what string, turn func(c scene, m message, o outcome) outcome) difference {
	return difference{what, turn, new(atomic.Int64)}
}

// onPurpose are all of them, in the order in which they are applied.
var onPurpose = []difference{
	differs("signs a message with several From fields by its first one; with StrictHeaders reports `permerror`", func(c scene, m message, o outcome) outcome {
		switch {
		case m.name != "two From fields":
			return o
		case c.outgoing(m):
			return outcome{"reply accept"}
		}
		return c.verifiedStrictly(o)
	}),
	differs("with StrictHeaders does not sign a message with two To fields, and reports `permerror`", func(c scene, m message, o outcome) outcome {
		switch {
		case m.name != "two To fields" || c.level("StrictHeaders") == unset:
			return o
		case c.outgoing(m):
			return oneMore(c.old["ours"], "to", "to") // the same message but for the field
		}
		return c.verifiedStrictly(o)
	}),
	differs("with three or more matching rows (MultipleSignatures) only the first and the last sign", func(c scene, m message, o outcome) outcome {
		three := strings.Contains(c.level("keys"), "st.refile") || strings.Contains(c.level("keys"), "st.plain")
		if m.name == "below" && three && c.level("MultipleSignatures") != unset {
			return append(o, middle(o)...)
		}
		return o
	}),
	differs("with MultipleSignatures defers a message when one of several keys is missing", func(c scene, m message, o outcome) outcome {
		if strings.HasSuffix(m.name, "below") && o[0] == "reply tempfail" && c.level("MultipleSignatures") != unset && strings.Contains(c.level("keys"), "named") {
			return c.old["ours"]
		}
		return o
	}),
	differs("with MultipleSignatures signs by a row for all senders with the row's identity for those in the key's domain", func(c scene, m message, o outcome) outcome {
		if c.level("MultipleSignatures") == unset || !strings.Contains(c.level("keys"), "wide") {
			return o
		}
		return rewrite(o, " i=@"+c.sender(m)+" ", " ")
	}),
	differs("has fields of OversignHeaders that are not signed once in h=", func(c scene, m message, o outcome) outcome {
		for _, name := range c.oversignedOnly() {
			if strings.Contains(strings.ToLower(m.raw), "\r\n"+name+":") {
				o = oneMore(o, name, name)
			}
		}
		return o
	}),
	differs("defers mail whose key has a blank before it in the KeyTable", func(c scene, m message, o outcome) outcome {
		if strings.Contains(c.level("keys"), "blanks") && c.outgoing(m) && c.sender(m) == "b.test" && o[0] == "reply tempfail" {
			return rewrite(rewrite(slices.Clone(c.old["ours"]), "d=a.test", "d=b.test"), "s=sa", "s=sb") // but for the key the same
		}
		return o
	}),
	differs("has a name of OversignHeaders in h= once more for each time that it stands there", func(c scene, m message, o outcome) outcome {
		if strings.Contains(c.level("OversignHeaders"), "from,From") {
			return rewrite(o, "from:from:from:from:", "from:from:")
		}
		return o
	}),
	differs("mode sv verifies mail of internal hosts for which it has no key", func(c scene, m message, o outcome) outcome {
		if c.level("Mode") == unset && c.trusts(m) && !c.signsFor(m) {
			return outcome{"reply accept"}
		}
		return o
	}),
	differs("mode v passes mail of internal hosts that it would sign otherwise, and does not verify it", func(c scene, m message, o outcome) outcome {
		if c.level("Mode") == "Mode v" && c.trusts(m) && c.signsFor(m) && !c.passedBy(m) {
			return c.none()
		}
		return o
	}),
	differs("reports `permerror` for a message without From, whatever On-NoSignature says", func(c scene, m message, o outcome) outcome {
		switch {
		case m.name != "no From" || !hasResults(o):
			return o
		case c.level("Mode") == "Mode s":
			return outcome{"reply accept"}
		}
		return c.none()
	}),
	differs("reports nothing about a signature that it cannot parse", func(c scene, m message, o outcome) outcome {
		if m.name == "broken signature" && o[0] == "reply accept" && c.level("Mode") != "Mode s" {
			return outcome{"reply accept", "results " + c.authservID() + "; dkim=neutral"}
		}
		return o
	}),
	differs("reports `fail` for a key that is missing or revoked", func(c scene, m message, o outcome) outcome {
		if m.name == "no key" || m.name == "revoked" {
			return rewrite(o, "dkim=fail", "dkim=permerror")
		}
		return o
	}),
	differs("treats a revoked key as On-BadSignature says", func(c scene, m message, o outcome) outcome {
		if m.name == "revoked" && c.level("Mode") != "Mode s" {
			return c.withoutKey("revoked")
		}
		return o
	}),
	differs("with TestDNSData passes a signature whose key is missing, and reports nothing", func(c scene, m message, o outcome) outcome {
		if m.name == "no key" && c.level("Mode") != "Mode s" && strings.HasPrefix(c.level("TestPublicKeys"), "TestDNSData") {
			return c.withoutKey("no key")
		}
		return o
	}),
	differs("reports `policy` for a key under MinimumKeyBits", func(c scene, m message, o outcome) outcome {
		return rewrite(o, "dkim=policy", "dkim=permerror")
	}),
	differs("verifies a signature though its key is under MinimumKeyBits, and its action is On-BadSignature's", func(c scene, m message, o outcome) outcome {
		if c.level("MinimumKeyBits") == unset || c.level("Mode") == "Mode s" {
			return o
		}
		switch m.name {
		case "changed":
			return outcome{"reply accept", c.results(m, "permerror", "c")}
		case "testing":
			return outcome{"reply accept", c.results(m, "permerror", "testing")}
		}
		return rewrite(o, "dkim=fail", "dkim=permerror")
	}),
	differs("reports `neutral` for signatures beyond MaximumSignaturesToVerify", func(c scene, m message, o outcome) outcome {
		if m.name == "broken signature" {
			return o
		}
		return rewrite(o, "dkim=neutral", "dkim=policy")
	}),
	differs("passes a signature that does not cover a second To, Subject or Date; with StrictHeaders reports `permerror`", func(c scene, m message, o outcome) outcome {
		switch {
		case m.name != "good, two To fields" || !hasResults(o):
			return o
		case c.level("MinimumKeyBits") != unset:
			return outcome{"reply accept", c.results(m, "permerror", "c")}
		}
		return outcome{"reply accept", c.results(m, "policy", "c")}
	}),
	differs("mode s leaves results in its name that others wrote", func(c scene, m message, o outcome) outcome {
		if m.name == "forged" && c.level("Mode") == "Mode s" {
			return outcome{"reply accept", "removed " + c.forged()}
		}
		return o
	}),
}

// expected is what postseal is to do where opendkim did o.
func (c scene) expected(m message, o outcome) outcome {
	for _, d := range onPurpose {
		turned := d.turn(c, m, slices.Clone(o))
		slices.Sort(turned)
		if !slices.Equal(turned, o) {
			d.seen.Add(1)
			o = turned
		}
	}
	return o
}

// oneMore adds a name to h= of each signature that has another there.
func oneMore(o outcome, where, name string) outcome {
	o = slices.Clone(o)
	for i, line := range o {
		h, rest, _ := strings.Cut(line[strings.Index(line, " h=")+3:], " ")
		names := strings.Split(h, ":")
		if isSignature(line) && slices.Contains(names, where) {
			names = append(names, name)
			slices.Sort(names)
			o[i] = line[:strings.Index(line, " h=")+3] + strings.Join(names, ":") + " " + rest
		}
	}
	return o
}

// middle makes the signature of the second of three rows from that of the first.
func middle(o outcome) outcome {
	for _, line := range o {
		if !strings.Contains(line, " s=ss ") {
			continue
		}
		tags := strings.Fields(strings.TrimPrefix(line, "signature "))
		tags = slices.DeleteFunc(tags, func(tag string) bool { return tag == "s=ss" || strings.HasPrefix(tag, "i=") })
		tags = append(tags, "s=sa", "i=@a.test")
		slices.Sort(tags)
		return outcome{"signature " + strings.Join(tags, " ")}
	}
	return nil
}

func rewrite(o outcome, old, with string) outcome {
	for i := range o {
		o[i] = strings.ReplaceAll(o[i], old, with)
	}
	return o
}

func hasResults(o outcome) bool {
	return slices.ContainsFunc(o, func(line string) bool { return strings.HasPrefix(line, "results ") })
}

// TestThePageHasEveryDifference looks for them in the page for users.
func TestThePageHasEveryDifference(t *testing.T) {
	page, err := os.ReadFile("../../docs/coming-from-opendkim.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range onPurpose {
		if !strings.Contains(string(page), "\n| "+d.what+" |") {
			t.Errorf("docs/coming-from-opendkim.md has no line about %q", d.what)
		}
	}
}
