package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/daemon"
	"github.com/postseal/postseal/internal/filter"
	"github.com/postseal/postseal/internal/logging"
	"github.com/postseal/postseal/internal/mailaddr"
	"github.com/postseal/postseal/internal/policy"
)

// maxMessage bounds a message that a command reads into memory.
const maxMessage = 1 << 30

// readMessage reads a message file, "-" for standard input. Files kept with
// LF line ends are turned into what goes over SMTP, and the note says so;
// mixed line ends are refused unless raw takes the file as it is.
func readMessage(stdin io.Reader, path string, raw bool) (message []byte, note string, err error) {
	in := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, "", err
		}
		defer f.Close()
		in = f
	}
	message, err = io.ReadAll(io.LimitReader(in, maxMessage+1))
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	if len(message) > maxMessage {
		return nil, "", fmt.Errorf("%s: larger than 1 GiB", path)
	}
	if raw {
		return message, "", nil
	}
	lf, crlf := bytes.Count(message, []byte("\n")), bytes.Count(message, []byte("\r\n"))
	switch {
	case lf == crlf:
		return message, "", nil
	case crlf == 0:
		return bytes.ReplaceAll(message, []byte("\n"), []byte("\r\n")), path + ": LF line ends turned into CRLF, as they go over SMTP", nil
	}
	return nil, "", fmt.Errorf("%s: %d lines end in CRLF and %d in bare LF; mend the file, or take it as it is with --raw", path, crlf, lf-crlf)
}

// messageFile is a message in memory.
type messageFile struct {
	fields *dkim.Fields
	body   []byte
	whole  []byte
}

// openMessage reads and parses a message file, telling of changed line ends.
func openMessage(io stdio, path string, raw bool) (*messageFile, error) {
	message, note, err := readMessage(io.in, path, raw)
	if err != nil {
		return nil, err
	}
	if note != "" {
		fmt.Fprintln(io.err, "postseal:", note)
	}
	fields, bodyAt, err := dkim.ParseFields(message)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &messageFile{fields: fields, body: message[bodyAt:], whole: message}, nil
}

// situation is the part of a message's facts that flags tell.
type situation struct {
	user, client, daemon, mode, mta string
	recipients, macros              []string
}

func situationFlags(cmd *cobra.Command) *situation {
	s := new(situation)
	cmd.Flags().StringVar(&s.user, "user", "", "login of the authenticated user ({auth_authen})")
	cmd.Flags().StringVar(&s.client, "client", "127.0.0.1", "the client's address, or name[address]")
	cmd.Flags().StringVar(&s.daemon, "daemon-name", "", "the MTA's listener ({daemon_name})")
	cmd.Flags().StringVar(&s.mode, "mode", "", "mode of the listener (default: that of the first one in the file)")
	cmd.Flags().StringVar(&s.mta, "mta", "postfix", "postfix or sendmail, which differ in what they change afterwards")
	cmd.Flags().StringArrayVar(&s.recipients, "recipient", nil, "envelope recipient; may be given more than once")
	cmd.Flags().StringArrayVar(&s.macros, "macro", nil, "NAME=VALUE of another milter macro, for trusted_macros; may be given more than once")
	return s
}

// macro looks up what the flags say; v is the MTA's name.
func (s *situation) macro(name string) string {
	for _, pair := range s.macros {
		if n, value, _ := strings.Cut(pair, "="); strings.Trim(n, "{}") == name {
			return value
		}
	}
	if name == "v" && s.mta == "postfix" {
		return "Postfix"
	}
	return ""
}

// facts joins the situation with a message's header fields.
func (s *situation) facts(cfg *config.Config, snapshot *filter.Snapshot, fields *dkim.Fields) (*policy.Facts, error) {
	f := &policy.Facts{User: s.user, Daemon: s.daemon, Macro: s.macro, Fields: fields}
	if s.user != "" {
		f.AuthType = "PLAIN"
	}
	word := s.mode
	if word == "" {
		word = cfg.Listeners[0].Mode
	}
	var ok bool
	if f.Mode, ok = policy.ParseMode(word); !ok {
		return nil, fmt.Errorf("--mode %q: say sign, verify or both", word)
	}
	if s.mta != "postfix" && s.mta != "sendmail" {
		return nil, fmt.Errorf("--mta %q: say postfix or sendmail", s.mta)
	}
	var err error
	if f.Client, err = parseClient(s.client); err != nil {
		return nil, err
	}
	for _, rcpt := range s.recipients {
		if _, err := mailaddr.ParsePath(rcpt); err != nil {
			return nil, fmt.Errorf("--recipient %q: %w", rcpt, err)
		}
		if f.ExemptRecipient == "" && snapshot.DontSignTo(rcpt) {
			f.ExemptRecipient = rcpt
		}
	}
	return f, nil
}

// parseClient reads ADDRESS, NAME[ADDRESS] or "unknown".
func parseClient(s string) (policy.Client, error) {
	if s == "unknown" {
		return policy.Client{}, nil
	}
	host, address := "["+s+"]", s
	if name, rest, ok := strings.Cut(s, "["); ok {
		host, address = name, strings.TrimSuffix(rest, "]")
	}
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return policy.Client{}, fmt.Errorf("--client %q: say ADDRESS, NAME[ADDRESS] or unknown", s)
	}
	return policy.Client{Host: host, Addr: addr.Unmap()}, nil
}

// openSnapshot builds what serve would work with, the store included; done closes
// that. Like every command that opens the store it does so as its owner.
func openSnapshot(ctx context.Context, io stdio, path string) (cfg *config.Config, snapshot *filter.Snapshot, done func() error, err error) {
	cfg, err = loadConfig(path, "")
	if err != nil {
		return nil, nil, nil, configError(err)
	}
	if cfg.Store.URL != "" {
		borrowCredential(cfg.Store)
		if err := becomeOwner(cfg.Store.URL); err != nil {
			return nil, nil, nil, failed(err)
		}
	}
	if snapshot, err = daemon.BuildOnce(cfg); err != nil {
		return nil, nil, nil, configError(err)
	}
	log, _ := logging.New(io.err, config.Log{Format: "text", Level: "error", SyslogPrefix: "never"})
	if done, err = daemon.AddStore(ctx, cfg, snapshot, log); err != nil {
		return nil, nil, nil, outcome(err)
	}
	return cfg, snapshot, done, nil
}

// fromOnly makes the header of a message that has nothing but a From field.
func fromOnly(from string) *dkim.Fields {
	fields := new(dkim.Fields)
	fields.Add([]byte("From"), []byte(" "+strings.TrimSpace(from)))
	return fields
}
