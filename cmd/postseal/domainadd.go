package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// addFlags are what a new row may be given.
type addFlags struct {
	domains.AddRequest
	algorithms []string
	activation string
	publish    string
	onMissing  string
	json       bool
}

func (f *addFlags) register(flags *pflag.FlagSet) {
	f.registerRow(flags)
	flags.StringVarP(&f.Selector, "selector", "s", "", "the key's selector (default: made from domains.selector)")
	flags.IntVarP(&f.Bits, "bits", "b", 0, "size of an RSA key, 1024 to 4096 (default domains.bits)")
	flags.StringSliceVarP(&f.algorithms, "algorithm", "a", nil, "rsa or ed25519, or both (default domains.algorithms)")
	flags.BoolVar(&f.RelaxedSelector, "relaxed-selector", false, "allow underscores in the selector")
	flags.BoolVar(&f.Offline, "offline", false, "do not ask DNS whether the name of the record is free, nor for the zone")
}

// registerRow adds what belongs to the row rather than to its key.
func (f *addFlags) registerRow(flags *pflag.FlagSet) {
	flags.StringVar(&f.activation, "activation", "", "when a key begins to sign: verified, manual or immediate (default domains.activation)")
	flags.StringVar(&f.publish, "publish", "", "what is published: txt, or with a key zone cname or cname-shared (default txt)")
	flags.Var(slotCount{&f.Slots}, "slots", "with --publish cname or cname-shared: how many names, 1 to 12 (default 2)")
	flags.StringVar(&f.onMissing, "on-missing", "", "when DNS loses the record: keep, suspend or suspend:24h (default domains.on_missing)")
	flags.StringVar(&f.Contact, "contact", "", "address of whoever changes the DNS")
	flags.StringVar(&f.Driver, "driver", "", "name of the [[driver]] that writes the records (default: a person does)")
	flags.StringVar(&f.Owner, "owner", "", "tenant that the domain belongs to")
	flags.BoolVar(&f.SubDomains, "subdomains", false, "sign for what is below the domain too")
	flags.BoolVar(&f.DualSign, "dual-sign", false, "while a key is replaced, sign with both as soon as DNS has the new one")
	flags.BoolVar(&f.Disabled, "disabled", false, "do not sign before \"enable\"")
	flags.BoolVar(&f.Withhold, "withhold", false, "do not look at DNS before the records are asked for")
	flags.BoolVar(&f.Published, "published", false, "the records are published already")
	flags.BoolVar(&f.AllowWWW, "allow-www", false, "mail really comes from a www. name")
	flags.BoolVarP(&f.Yes, "yes", "y", false, "agree to what is asked")
	flags.BoolVar(&f.json, "json", false, "print JSON")
}

// slotCount is the number of slots as a flag: 0, which stands for the default, is no number.
type slotCount struct{ n *int }

func (s slotCount) String() string {
	if s.n == nil || *s.n == 0 {
		return ""
	}
	return strconv.Itoa(*s.n)
}

func (slotCount) Type() string { return "int" }

func (s slotCount) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 12 {
		return errors.New("say 1 to 12")
	}
	*s.n = n
	return nil
}

// request fills in the defaults of the configuration.
func (f *addFlags) request(name string, d config.Domains) (domains.AddRequest, error) {
	r := f.AddRequest
	r.Name = name
	r.Activation = domains.Activation(or(f.activation, d.Activation))
	r.Publish = domains.Publish(f.publish)
	r.OnMissing = domains.OnMissing(f.onMissing) // empty: domains.on_missing, whatever that comes to be
	if r.Bits == 0 {
		r.Bits = int(d.Bits)
	}
	names := f.algorithms
	if len(names) == 0 {
		names = d.Algorithms
	}
	var err error
	r.Algorithms, err = domains.ParseAlgorithms(names...)
	return r, err
}

func or(given, otherwise string) string {
	if given != "" {
		return given
	}
	return otherwise
}

func (m *managing) domainAdd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "add DOMAIN|--pick",
		Short: "Make a key for a domain and show what to publish",
		Long: `Makes a key pair and shows the steps to publish its public half. The private half
stays in the store, sealed. postseal looks at DNS from now on by itself, and signs
with the key once DNS has it (--activation verified), when "enable" is said after
that (manual), or at once (immediate, which asks first).

DOMAIN is written like example.com, without "www." or anything else, or as an
address, for a key that signs for that sender only. --pick shows the candidates with
numbers instead, and asks which one.

--dry-run finds out what would happen, refusals included, and keeps nothing of it.`,
		Example: `  postseal domain add example.com
  postseal domain add example.com --selector mail.2026-q1 --bits 4096
  postseal domain add example.com --algorithm rsa,ed25519 --contact hostmaster@example.com
  postseal domain add sales@example.com`,
	}
	var f addFlags
	f.register(cmd.Flags())
	pick := cmd.Flags().Bool("pick", false, "choose one of the candidates, at a terminal")
	cmd.Flags().BoolVar(&f.DryRun, "dry-run", false, "only show what would happen")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if *pick {
			return cobra.NoArgs(cmd, args)
		}
		return cobra.ExactArgs(1)(cmd, args)
	}
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		if *pick {
			name, err := m.pick(ctx, s)
			if err != nil {
				return err
			}
			args = []string{name}
		}
		r, err := f.request(args[0], s.defaults)
		if err != nil {
			return err
		}
		var added domains.Added
		err = m.confirmed(f.Yes || f.DryRun, func(yes bool) (err error) {
			r.Yes = yes
			added, err = s.service.Add(ctx, s.actor, r)
			return err
		})
		if err != nil {
			return err
		}
		if f.DryRun {
			return m.printWouldMake(added, f.json)
		}
		return m.printAdded(ctx, s, added, f.Offline, f.json)
	})
}

// printAdded shows new keys with their records in one go (KAR-13).
func (m *managing) printAdded(ctx context.Context, s *store, added domains.Added, offline, asJSON bool) error {
	if added.Domain.IsSharedSet() {
		return m.printShared(added, asJSON)
	}
	sheet, err := s.sheet(ctx, added.Domain.Name, offline)
	if err != nil {
		return err
	}
	format := records.Guide
	if asJSON {
		format = records.JSON
	} else {
		for _, k := range added.Keys {
			fmt.Fprintf(m.out, "%s: made %s, %s, %s\n", records.Both(added.Domain.Name), k.Selector, keyKind(&k), k.Print)
		}
		if err := m.printStatus(ctx, s, added.Domain.Name); err != nil {
			return err
		}
		fmt.Fprintln(m.out)
	}
	text, err := records.Write(format, []records.Sheet{sheet})
	if err != nil {
		return err
	}
	fmt.Fprint(m.out, text)
	return m.warnOfWeak(added.Keys)
}

// warnOfWeak tells of small RSA keys (MA-10).
func (m *managing) warnOfWeak(keys []domains.Key) error {
	for _, k := range keys {
		if k.Algorithm == dkim.RSASHA256 && k.Bits < 2048 {
			fmt.Fprintf(m.err, "postseal: warning: RSA keys under 2048 bits are weak; use one only where DNS cannot hold more\n")
			return &exitError{code: exitWarnings}
		}
	}
	return nil
}

func keyKind(k *domains.Key) string {
	if k.Algorithm == dkim.RSASHA256 {
		return fmt.Sprintf("rsa %d bit", k.Bits)
	}
	return k.Algorithm.KeyType()
}

func (m *managing) domainRequest() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "request DOMAIN",
		Short: "Note that a domain is wanted; no key is made",
		Long: `Notes the wish for a domain, before anybody has agreed to it or found out whether
its DNS can be changed. No key is made: "add" confirms the request.`,
		Args: cobra.ExactArgs(1),
	}
	var f addFlags
	f.registerRow(cmd.Flags())
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		r, err := f.request(args[0], s.defaults)
		if err != nil {
			return err
		}
		d, err := s.service.Request(ctx, s.actor, r)
		if err != nil {
			return err
		}
		return m.printRowAs(ctx, s, d.Name, f.json)
	})
}

// maxKeyFile is far above any private key.
const maxKeyFile = 64 << 10

func (m *managing) domainImport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import DOMAIN --selector S --key FILE",
		Short: "Take a key that exists into the store",
		Long: `Takes a private key in PEM (PKCS#1 or PKCS#8, RSA or Ed25519) into the store,
sealed. Its record is validated like that of a new key. --adopt is for a key that
signs elsewhere now: if DNS confirms it, it signs here at once.`,
		Args: cobra.ExactArgs(1),
	}
	var f addFlags
	f.register(cmd.Flags())
	file := cmd.Flags().StringP("key", "k", "", `file with the private key, "-" for standard input (required)`)
	adopt := cmd.Flags().Bool("adopt", false, "let it sign at once if DNS has it")
	cmd.Flags().MarkHidden("algorithm")
	cmd.Flags().MarkHidden("bits")
	cmd.MarkFlagRequired("key")
	cmd.MarkFlagRequired("selector")
	path := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		pem, err := m.readKey(*file) // before root gives up its rights
		if err != nil {
			return &exitError{exitUsage, err}
		}
		defer clear(pem)
		return m.withStore(cmd.Context(), *path, func(ctx context.Context, s *store) error {
			request, err := f.request(args[0], s.defaults)
			if err != nil {
				return err
			}
			r := domains.ImportRequest{AddRequest: request, PEM: pem, Adopt: *adopt}
			var added domains.Added
			err = m.confirmed(f.Yes, func(yes bool) (err error) {
				r.Yes = yes
				added, err = s.service.Import(ctx, s.actor, r)
				return err
			})
			if err != nil {
				return err
			}
			return m.printAdded(ctx, s, added, f.Offline, f.json)
		})
	}
	return cmd
}

func (m *managing) readKey(path string) ([]byte, error) {
	in := m.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	pem, err := io.ReadAll(io.LimitReader(in, maxKeyFile+1))
	if err == nil && len(pem) > maxKeyFile {
		err = errors.New("too long for a private key")
	}
	return pem, err
}
