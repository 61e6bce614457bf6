package demo

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-milter"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/daemon"
	"github.com/postseal/postseal/internal/logging"
)

// running is the real daemon code in this process.
type running struct {
	address string // HOST:PORT
	log     lockedBuffer
	stop    func() // waits for its end; may be called twice
}

func (d *demo) startDaemon(ctx context.Context) (*running, error) {
	load := func() (*config.Config, error) {
		cfg := config.Default()
		cfg.Listeners[0].Address = "inet:0@127.0.0.1"
		cfg.Sign.KeyTable = d.path("keytable")
		cfg.Sign.SigningTable = "refile:" + d.path("signingtable")
		return cfg, nil
	}
	r := new(running)
	log, _ := logging.New(&r.log, config.Log{Format: "text", Level: "info", SyslogPrefix: "never"})
	instance, err := daemon.Open(load, log, daemon.Environment{})
	if err != nil {
		return nil, err
	}
	r.address = instance.Addresses()[0].String()
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		instance.Run(ctx)
	}()
	r.stop = func() { cancel(); <-ended }
	return r, nil
}

// messageLines is the one line of each message.
func (r *running) messageLines() string {
	var lines strings.Builder
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, " msg=message ") {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

// playMTA sends a message as Postfix would for an authenticated user and gives
// the header fields that the milter asks to insert, in the order of insertion
// at the top.
func playMTA(address string, message []byte) ([]string, error) {
	fields, bodyAt, err := dkim.ParseFields(message)
	if err != nil {
		return nil, err
	}
	client := milter.NewClientWithOptions("tcp", address, milter.ClientOptions{
		ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		ActionMask: milter.OptAddHeader | milter.OptChangeHeader,
		ProtocolMask: milter.OptNoUnknown | milter.OptNoData | milter.OptHeaderLeadingSpace | milter.OptNoConnReply |
			milter.OptNoHeloReply | milter.OptNoMailReply | milter.OptNoRcptReply | milter.OptNoHeaderReply | milter.OptSkip,
	})
	session, err := client.Session()
	if err != nil {
		return nil, err
	}
	defer session.Close()
	mta := script{session: session}
	mta.macros(milter.CodeConn, "j", "mx.example.net", "{daemon_name}", "ORIGINATING")
	mta.do(func() (*milter.Action, error) {
		return session.Conn("client.example.net", milter.FamilyInet, 40000, "192.0.2.1")
	})
	mta.do(func() (*milter.Action, error) { return session.Helo("client.example.net") })
	mta.macros(milter.CodeMail, "{auth_type}", "PLAIN", "{auth_authen}", "demo")
	mta.do(func() (*milter.Action, error) { return session.Mail("demo@example.net", nil) })
	mta.do(func() (*milter.Action, error) { return session.Rcpt("somebody@example.org", nil) })
	mta.macros(milter.CodeEOH, "i", "DEMO1")
	for i := range fields.Len() {
		name, value := string(fields.Name(i)), strings.ReplaceAll(string(fields.Value(i)), "\r\n", "\n")
		mta.do(func() (*milter.Action, error) { return session.HeaderField(name, value) })
	}
	mta.do(session.HeaderEnd)
	if mta.err != nil {
		return nil, mta.err
	}
	changes, reply, err := session.BodyReadFrom(bytes.NewReader(message[bodyAt:]))
	if err != nil {
		return nil, err
	}
	if reply.Code != milter.ActAccept && reply.Code != milter.ActContinue {
		return nil, fmt.Errorf("the milter did not accept the message: %q", rune(reply.Code))
	}
	return insertions(changes)
}

// script plays commands until one is not answered with "go on".
type script struct {
	session *milter.ClientSession
	err     error
}

func (s *script) macros(stage milter.Code, pairs ...string) {
	if s.err == nil {
		s.err = s.session.Macros(stage, pairs...)
	}
}

func (s *script) do(command func() (*milter.Action, error)) {
	if s.err != nil {
		return
	}
	reply, err := command()
	if err == nil && reply.Code != milter.ActContinue {
		err = fmt.Errorf("the milter ended the message early with %q; nothing is signed", rune(reply.Code))
	}
	s.err = err
}

func insertions(changes []milter.ModifyAction) ([]string, error) {
	var fields []string
	for _, c := range changes {
		if c.Code == milter.ActChangeHeader && c.HeaderValue == "" {
			continue // a forged verdict in our name is removed
		}
		if c.Code != milter.ActInsertHeader || c.HeaderIndex != 0 {
			return nil, fmt.Errorf("the milter asked for something else than a header field at the top: %q", rune(c.Code))
		}
		fields = append(fields, c.HeaderName+":"+strings.ReplaceAll(c.HeaderValue, "\n", "\r\n"))
	}
	return fields, nil
}

// lockedBuffer collects the daemon's log.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
