package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/postseal/postseal/test/internal/judge"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/submit"
)

// A hundred clients are in the middle of their messages at the same time, and some more stay there until all others are done.
func TestHundredMessagesAtOnceAndSomeStalledOnes(t *testing.T) {
	const many, stalled = 100, 5
	s := begin(t, setup{})
	type client struct {
		mail
		session *submit.Session
		rest    []byte
	}
	clients := make([]client, many+stalled)
	for i := range clients {
		clients[i].mail = composeWith(fmt.Sprintf("user%d@lab.test", i), "Subject: one of many\r\n", strings.Repeat(fmt.Sprintf("letter %d\r\n", i), 40*i+1))
		clients[i].session = s.connect("", directAddress)
		clients[i].rest = s.half(clients[i].session, clients[i].mail)
	}
	if n := sandbox.Connections(inetMilter); n != len(clients) {
		t.Errorf("%d connections to the milter, want %d", n, len(clients))
	}

	var wg sync.WaitGroup
	for _, c := range clients[stalled:] {
		wg.Go(func() {
			if err := c.session.Write(c.rest); err != nil {
				t.Error(err)
			} else if err := c.session.End(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	signed := func(c client) {
		d := s.arrived(c.mail)
		if seen[d.queueID] {
			t.Errorf("queue id %s came twice", d.queueID)
		}
		seen[d.queueID] = true
		s.agree(d, plain, "signed", "lab.test/r1")
		s.acceptedBy(judge.Judge{Name: "go-msgauth", Verdict: judge.MsgAuth}, d, "lab.test/r1") // the others cost a process each
		s.Must(c.session.Quit())
	}
	for _, c := range clients[stalled:] {
		signed(c)
	}
	for _, c := range clients[:stalled] {
		s.Must(s.finish(c.session, c.rest))
		signed(c)
	}

	s.Must(direct.Emptied())
	lines := map[string]int{}
	for _, l := range s.daemon.Messages() {
		lines[l.QueueID]++
	}
	for id := range seen {
		if lines[id] != 1 {
			t.Errorf("%d lines about message %s, want one", lines[id], id)
		}
	}
	if len(lines) != len(clients) {
		t.Errorf("the log knows %d messages, want %d", len(lines), len(clients))
	}
}

// A slow client's message arrives in pieces that end anywhere, within line ends and stuffed dots too.
func TestSlowClientsMessageIsSigned(t *testing.T) {
	s := begin(t, setup{})
	m := composeWith("alice@lab.test", "Subject: slowly,\r\n\tvery slowly\r\n", "\r\n.\r\n..two dots\r\nword word\r\n \r\n.\r\n\r\n")
	session := s.connect("", directAddress)
	s.Must(session.Begin(m.from, []string{"reader@in.test"}))
	for i := range m.data {
		s.Must(session.Write(m.data[i : i+1]))
	}
	s.Must(session.End())
	s.Must(session.Quit())
	s.isSigned(s.arrived(m), plain, "lab.test/r1")
}

// A client that goes away in the middle of its message takes nobody with it.
func TestClientThatVanishesHarmsNobody(t *testing.T) {
	s := begin(t, setup{})
	gone, here := compose("alice@lab.test"), compose("bob@lab.test")
	vanishing, session := s.connect("", directAddress), s.connect("", directAddress)
	s.half(vanishing, gone)
	rest := s.half(session, here)
	s.Must(vanishing.Drop())
	s.Must(s.finish(session, rest))
	s.isSigned(s.arrived(here), plain, "lab.test/r1")
	s.Must(session.Quit())
	s.balances(direct, []mail{here}, []mail{gone})
}
