package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

func (m *managing) domainRecords() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "records DOMAIN…|--all",
		Short: "Show what has to be published, what to keep until when, what may go",
		Long: `Shows the DNS records of a domain's keys: those to publish, those that have to stay,
those to keep for mail under way and until when, and those that are safe to remove
now. Names are shown absolute, with and without final dot, and relative to the zone,
which is found by its SOA record. It can be shown as often as you like.

A key whose records were withheld is looked for in DNS from now on.`,
		Example: `  postseal domain records example.com --guide
  postseal domain records example.com --email | /usr/sbin/sendmail -t
  postseal domain records example.com --format bind >>example.com.zone`,
	}
	var o recordsFlags
	o.register(cmd, string(records.Table))
	guide := cmd.Flags().Bool("guide", false, "numbered steps (--format guide)")
	share := cmd.Flags().Bool("share", false, "a text for whoever runs the DNS (--format share)")
	email := cmd.Flags().Bool("email", false, "the same as a message for sendmail -t (--format mail)")
	asJSON := cmd.Flags().Bool("json", false, "JSON (--format json)")
	cmd.MarkFlagsMutuallyExclusive("guide", "share", "email", "json", "format")
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		for _, f := range []struct {
			on     bool
			format records.Format
		}{{*guide, records.Guide}, {*share, records.Share}, {*email, records.Mail}, {*asJSON, records.JSON}} {
			if f.on {
				o.format = string(f.format)
			}
		}
		return m.printRecords(ctx, s, args, o, s.handOut)
	})
}

type recordsFlags struct {
	format  string
	all     bool
	offline bool
}

func (o *recordsFlags) register(cmd *cobra.Command, format string) {
	var words []string
	for _, f := range records.Formats {
		words = append(words, string(f))
	}
	cmd.Flags().StringVarP(&o.format, "format", "f", format, strings.Join(words, ", "))
	cmd.Flags().BoolVar(&o.all, "all", false, "all domains")
	cmd.Flags().BoolVar(&o.offline, "offline", false, "do not ask DNS for the zone")
}

func (s *store) handOut(ctx context.Context, name string) error {
	return s.service.HandOut(ctx, s.actor, name)
}

// printRecords writes the sheets of rows; before is done to each row first.
func (m *managing) printRecords(ctx context.Context, s *store, args []string, o recordsFlags, before func(context.Context, string) error) error {
	names, err := s.chosen(ctx, args, o.all)
	if err != nil {
		return err
	}
	sheets := []records.Sheet{}
	for _, name := range names {
		if err := before(ctx, name); err != nil {
			return err
		}
		sheet, err := s.sheet(ctx, name, o.offline)
		if err != nil {
			return err
		}
		sheets = append(sheets, sheet)
	}
	text, err := records.Write(records.Format(o.format), sheets)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	fmt.Fprint(m.out, text)
	return nil
}

func (m *managing) domainExport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export DOMAIN…|--all|--key-zone",
		Short: "Write records for programs, or a private key for another signer",
		Long: `Writes the records of domains for a program: lines of a zone file (bind), a script
for nsupdate, JSON or CSV. Nothing is changed.

With --key-zone it writes the whole zone that customers' CNAME records point into
(docs/domains.md), and with --zone what a zone of before still has to hold.

With --private and --i-understand it prints the private key of DOMAIN/SELECTOR, in
PEM: whoever has it can sign as the domain.`,
		Example: `  postseal domain export --all --format csv
  postseal domain export --key-zone >/var/lib/knot/dkim.example.net.zone
  postseal domain export example.com/ps202611r7k --private --i-understand`,
	}
	var o recordsFlags
	o.register(cmd, string(records.Bind))
	var z keyZoneFlags
	cmd.Flags().BoolVar(&z.on, "key-zone", false, "write the key zone (bind or json)")
	cmd.Flags().StringVar(&z.zone, "zone", "", "with --key-zone: a zone of before, of key_zone.former")
	cmd.Flags().Uint32Var(&z.serial, "serial", 0, "with --key-zone: of the SOA record (default: seconds since 1970)")
	private := cmd.Flags().Bool("private", false, "print the private key of DOMAIN/SELECTOR")
	understood := cmd.Flags().Bool("i-understand", false, "with --private: it must not get into other hands")
	cmd.MarkFlagsMutuallyExclusive("key-zone", "private", "all")
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		switch {
		case z.on && len(args) > 0:
			return &exitError{exitUsage, errKeyZoneOnly}
		case z.on:
			return m.printKeyZone(ctx, s, z, records.Format(o.format))
		case z.zone != "" || z.serial != 0:
			return &exitError{exitUsage, errors.New("--zone and --serial belong to --key-zone")}
		}
		if !*private {
			return m.printRecords(ctx, s, args, o, func(context.Context, string) error { return nil })
		}
		if len(args) != 1 {
			return &exitError{exitUsage, errors.New("--private wants one DOMAIN/SELECTOR")}
		}
		if !*understood {
			return unconfirmed("OCR-8", "Whoever has a private key can sign as its domain. Say --i-understand.")
		}
		return m.printPrivate(ctx, s, args[0])
	})
}

func (m *managing) printPrivate(ctx context.Context, s *store, ref string) error {
	k, err := s.keyOf(ctx, ref)
	if err != nil {
		return err
	}
	private, err := s.service.Private(ctx, k.ID)
	if err != nil {
		return err
	}
	pem, err := private.PEM()
	if err != nil {
		return err
	}
	defer clear(pem)
	_, err = m.out.Write(pem)
	return err
}

// keyOf finds the key that DOMAIN/SELECTOR names: the latest, where a selector was
// used again.
func (s *store) keyOf(ctx context.Context, ref string) (domains.Key, error) {
	name, selector, err := splitRef(ref)
	if err != nil {
		return domains.Key{}, err
	}
	d, err := s.service.Show(ctx, name)
	if err != nil {
		return domains.Key{}, err
	}
	var found domains.Key
	for _, k := range d.Keys {
		if k.Selector == selector {
			found = k
		}
	}
	if found.ID == "" {
		return found, &domains.Refused{
			Rule: "no-such-key", What: dkim.RecordName(selector, name) + " is no key here", Way: "`postseal domain show " + name + "` lists its keys", Err: domains.ErrNotFound,
		}
	}
	return found, nil
}

// splitRef reads DOMAIN/SELECTOR.
func splitRef(ref string) (name, selector string, err error) {
	name, selector, both := strings.Cut(ref, "/")
	if !both || selector == "" {
		return "", "", &domains.Invalid{Input: ref, Problem: "names no key", Fix: "say DOMAIN/SELECTOR"}
	}
	name, err = named(name)
	return name, strings.ToLower(selector), err
}
