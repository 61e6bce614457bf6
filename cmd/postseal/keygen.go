package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/mailaddr"
)

// serviceGroup may read the keys that root makes.
const serviceGroup = "postseal"

func newKeygen(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keygen",
		Short: "Make a private key and print its DNS record",
		Long: `Makes a private key in a new file, never over an existing one, and prints the
TXT record to publish: as lines of a zone file, and as one line for a provider's
web form. As root the file is readable by group postseal, else by its owner only.`,
		Args: cobra.NoArgs,
	}
	domain := cmd.Flags().StringP("domain", "d", "", "signing domain (required)")
	selector := cmd.Flags().StringP("selector", "s", "", "selector (required)")
	kind := cmd.Flags().StringP("type", "t", "rsa", "rsa or ed25519")
	bits := cmd.Flags().IntP("bits", "b", 0, "size of an RSA key, 1024 to 4096 (default 2048)")
	output := cmd.Flags().StringP("output", "o", "", "file to make (default SELECTOR.DOMAIN.pem)")
	cmd.MarkFlagRequired("domain")
	cmd.MarkFlagRequired("selector")
	cmd.RunE = func(*cobra.Command, []string) error {
		request, err := parseKeygen(*domain, *selector, *kind, *bits)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		key, err := dkim.Generate(request.algorithm, request.bits)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		if *output == "" {
			*output = request.selector + "." + request.domain + ".pem"
		}
		pem, err := key.PEM()
		if err != nil {
			return failed(err)
		}
		if err := writeKey(*output, pem); err != nil {
			return err
		}
		fmt.Fprintf(io.out, "; The private key is in %s. Publish its public half:\n", *output)
		printRecord(io, request.selector, request.domain, key.PublicRecord())
		if key.Weak() {
			fmt.Fprintf(io.err, "postseal: warning: RSA keys under 2048 bits are weak; use one only where DNS cannot hold more\n")
			return &exitError{code: exitWarnings}
		}
		return nil
	}
	return cmd
}

// recordTTL is short enough to mend a mistake within the hour.
const recordTTL = time.Hour

// printRecord writes a TXT record in the two forms that people need.
func printRecord(io stdio, selector, domain, record string) {
	fmt.Fprintf(io.out, "; as lines of a zone file\n%s", dkim.ZoneLines(selector, domain, record, recordTTL))
	fmt.Fprintf(io.out, "; or in a provider's web form: type TXT, name and value\n%s\n%s\n", dkim.RecordName(selector, domain), record)
}

type keygenRequest struct {
	domain, selector string
	algorithm        dkim.Algorithm
	bits             int
}

func parseKeygen(domain, selector, kind string, bits int) (r keygenRequest, err error) {
	if r.domain, err = mailaddr.ALabels(domain); err != nil {
		return r, fmt.Errorf("--domain %q: %w", domain, err)
	}
	if err := dkim.ValidSelector(selector); err != nil {
		return r, fmt.Errorf("--selector: %w", err)
	}
	r.selector, r.bits = selector, bits
	switch kind {
	case "rsa":
		r.algorithm = dkim.RSASHA256
	case "ed25519":
		r.algorithm = dkim.Ed25519SHA256
	default:
		return r, fmt.Errorf("--type %q: say rsa or ed25519", kind)
	}
	return r, nil
}

// writeKey makes a new file for a private key. Root gives the service's group
// the right to read it, where there is such a group.
func writeKey(path string, pem []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &exitError{exitRefused, fmt.Errorf("%s exists; a key is never overwritten: choose another file or another selector", path)}
	}
	if err != nil {
		return err
	}
	err = fillKey(f, pem)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(path)
	}
	return err
}

func fillKey(f *os.File, pem []byte) error {
	if _, err := f.Write(pem); err != nil {
		return err
	}
	if group, err := user.LookupGroup(serviceGroup); err == nil && os.Geteuid() == 0 {
		gid, err := strconv.Atoi(group.Gid)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Chown(0, gid), f.Chmod(0o640)); err != nil {
			return err
		}
	}
	return f.Sync()
}
