package migrate

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/miltertest"
)

// outcome is what a program did with a message, in the form in which both are compared: a line for the reply, one for
// each signature, one for the results that it reports and one for the fields that it removed, sorted.
type outcome []string

// send gives a message to the milter on a unix socket.
func send(socket string, m message) (outcome, []byte, error) {
	mta, err := miltertest.Dial("unix", socket)
	if err != nil {
		return nil, nil, err
	}
	defer mta.Close()
	family := milter.FamilyIPv4
	if strings.Contains(m.client, ":") {
		family = milter.FamilyIPv6
	}
	host := hosts[m.client]
	if host == "" {
		host = "[" + m.client + "]"
	}
	mta.Client = miltertest.Client{Host: host, Family: family, Port: 40000, Addr: m.client}
	mta.Macros["j"] = "mx.lab.test"
	if _, err := mta.Negotiate(miltertest.PostfixOffer); err != nil {
		return nil, nil, err
	}
	to := m.to
	if to == "" {
		to = "list@in.test"
	}
	r, err := mta.Send(miltertest.Message{From: "<bounce@env.test>", To: []string{"<" + to + ">"}, Raw: []byte(m.raw), Macros: m.macros})
	if err != nil {
		return nil, nil, err
	}
	return outcomeOf(r), r.Delivered, nil
}

func outcomeOf(r miltertest.Result) outcome {
	o := outcome{"reply " + replyOf(r.Reply)}
	var removed []string
	for _, mod := range r.Modifications {
		switch {
		case mod.Kind == 'i' && strings.EqualFold(mod.Name, "DKIM-Signature"):
			o = append(o, "signature "+signatureLine(mod.Value))
		case mod.Kind == 'i' && strings.EqualFold(mod.Name, "Authentication-Results"):
			o = append(o, "results "+resultsLine(mod.Value))
		case mod.Kind == 'm' && strings.EqualFold(mod.Name, "Authentication-Results") && mod.Value == "":
			removed = append(removed, strconv.Itoa(mod.Index))
		default:
			o = append(o, fmt.Sprintf("modification %c %s: %q", mod.Kind, mod.Name, mod.Value))
		}
	}
	if removed != nil {
		slices.Sort(removed)
		o = append(o, "removed "+strings.Join(removed, ","))
	}
	slices.Sort(o)
	if reply := replyOf(r.Reply); reply != "accept" {
		return outcome{"reply " + reply} // nobody sees what is added to such a message
	}
	return o
}

// replyOf is what becomes of the mail; texts and extended codes may differ.
func replyOf(r miltertest.Reply) string {
	switch {
	case r.Code == 'r' || r.SMTP/100 == 5:
		return "reject"
	case r.Code == 't' || r.SMTP/100 == 4:
		return "tempfail"
	case r.Code == 'd':
		return "discard"
	}
	return "accept"
}

// tags takes a DKIM-Signature value apart (RFC 6376 3.2). It is written for this comparison alone and shares no code
// with either program.
func tags(value string) map[string]string {
	all := map[string]string{}
	for _, spec := range strings.Split(value, ";") {
		name, v, found := strings.Cut(spec, "=")
		name = strings.TrimSpace(name)
		if _, twice := all[name]; twice && found {
			all["twice"] += name
		}
		if found {
			all[name] = strings.Join(strings.Fields(v), "")
		} else if name != "" {
			all["no value"] += name
		}
	}
	return all
}

// signatureLine has every tag in the order of their names, but for what may differ: b=, q= with its default, and t= and
// x=, of which the difference stays. The names in h= are sorted, in lower case: which instances of a field are signed depends on how
// often its name is there, not on where (RFC 6376 5.4.2). d= is in lower case.
func signatureLine(value string) string {
	all := tags(value)
	delete(all, "b")
	if all["q"] == "dns/txt" {
		delete(all, "q") // the default
	}
	if x, ok := all["x"]; ok {
		from, err1 := strconv.Atoi(all["t"])
		until, err2 := strconv.Atoi(x)
		all["x"] = fmt.Sprintf("t+%d", until-from)
		if err1 != nil || err2 != nil {
			all["x"] = "not numbers"
		}
	}
	if all["t"] != "" {
		all["t"] = "there"
	}
	names := strings.Split(strings.ToLower(all["h"]), ":")
	slices.Sort(names)
	all["h"] = strings.Join(names, ":")
	all["d"] = strings.ToLower(all["d"])
	var line []string
	for name, v := range all {
		line = append(line, name+"="+v)
	}
	slices.Sort(line)
	return strings.Join(line, " ")
}

var (
	comment = regexp.MustCompile(`\([^()]*\)`)
	reason  = regexp.MustCompile(`reason=("[^"]*"|[^;\s]*)`)
	words   = regexp.MustCompile(`\s+`)
)

// resultsLine has the authserv-id and each result of DKIM with its properties; comments and reasons may differ.
func resultsLine(value string) string {
	value = strings.ReplaceAll(reason.ReplaceAllString(comment.ReplaceAllString(value, " "), " "), `"`, "")
	parts := strings.Split(words.ReplaceAllString(strings.TrimSpace(value), " "), ";")
	line := strings.TrimSpace(parts[0])
	for _, part := range parts[1:] {
		fields := strings.Fields(part)
		if len(fields) > 0 && strings.HasPrefix(fields[0], "dkim=") {
			slices.Sort(fields[1:])
			line += "; " + strings.Join(fields, " ")
		}
	}
	return line
}
