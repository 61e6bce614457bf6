package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/daemon"
	"github.com/postseal/postseal/internal/filter"
	"github.com/postseal/postseal/verifier"
)

func newVerify(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Verify the signatures of a message file as the daemon would",
		Long: `Verifies the signatures of a message file ("-" for standard input) with the code
of the daemon, and prints a verdict for each, and the
Authentication-Results field that the daemon would write. Without a configuration
file the defaults hold.

Exits 0 if a signature passes, 6 if DNS kept us from knowing, else 2.`,
		Args: cobra.ExactArgs(1),
	}
	path := configFlag(cmd)
	opts := verifyOptions{}
	cmd.Flags().BoolVar(&opts.json, "json", false, "print JSON, an object for each signature")
	cmd.Flags().BoolVar(&opts.explain, "explain", false, "decode each signature and show what was hashed")
	cmd.Flags().StringVar(&opts.original, "original", "", "with --explain: the message as it was sent, to find the first difference")
	cmd.Flags().BoolVar(&opts.raw, "raw", false, "take the file's line ends as they are")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		v, err := verifying(*path, cmd.Flags().Changed("config"))
		if err != nil {
			return configError(err)
		}
		file, err := openMessage(io, args[0], opts.raw)
		if err != nil {
			return findingError(err)
		}
		checking := v.Verifier.Begin(cmd.Context(), file.fields)
		defer checking.Release()
		checking.Write(file.body)
		results := checking.Finish()
		if err := opts.print(io, v, checking, file, results); err != nil {
			return err
		}
		return verdictError(results)
	}
	return cmd
}

// verifying reads the configuration; a default one that is not there, or not for
// this user to read, leaves the defaults.
func verifying(path string, named bool) (*filter.Verifying, error) {
	cfg, err := config.Load(path)
	if !named && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)) {
		cfg, err = config.Default(), nil
	}
	if err != nil {
		return nil, err
	}
	return daemon.BuildVerifying(cfg)
}

// verdictError gives the exit code for the verdicts.
func verdictError(results []verifier.Result) error {
	code := exitFinding
	for _, r := range results {
		switch r.Status {
		case dkim.Pass:
			return nil
		case dkim.TempError:
			code = exitTemporary
		}
	}
	return &exitError{code: code}
}

type verifyOptions struct {
	json, explain, raw bool
	original           string
}

// print writes all that was asked for.
func (o verifyOptions) print(io stdio, v *filter.Verifying, m *verifier.Message, file *messageFile, results []verifier.Result) error {
	if o.json {
		return printVerdictsJSON(io, results)
	}
	var original *messageFile
	if o.original != "" {
		var err error
		if original, err = openMessage(io, o.original, o.raw); err != nil {
			return findingError(err)
		}
	}
	for i, r := range results {
		printVerdict(io, r)
		if o.explain && r.Status != dkim.None {
			printExplained(io, m.Explain(i), file, original)
		}
	}
	if value := v.Report("", results); value != "" {
		fmt.Fprintf(io.out, "Authentication-Results: %s\n", lfOnly(value))
	}
	return nil
}

func printVerdict(io stdio, r verifier.Result) {
	fmt.Fprintf(io.out, "%s", r.Status)
	if r.Domain != "" {
		fmt.Fprintf(io.out, "  d=%s s=%s a=%s", r.Domain, r.Selector, r.Algorithm)
	}
	if r.Bits > 0 {
		fmt.Fprintf(io.out, " (%d bits)", r.Bits)
	}
	if r.Err != nil {
		fmt.Fprintf(io.out, "  %s", printable(r.Err.Error()))
	}
	fmt.Fprintln(io.out)
}

// verdict is a result in JSON.
type verdict struct {
	Status    dkim.Status `json:"status"`
	Reason    dkim.Reason `json:"reason,omitempty"`
	Detail    string      `json:"detail,omitempty"`
	Domain    string      `json:"domain,omitempty"`
	Selector  string      `json:"selector,omitempty"`
	Identity  string      `json:"identity,omitempty"`
	Algorithm string      `json:"algorithm,omitempty"`
	Bits      int         `json:"bits,omitempty"`
	Headers   []string    `json:"headers,omitempty"`
	Time      *time.Time  `json:"time,omitempty"`
	Expiry    *time.Time  `json:"expiry,omitempty"`
	B         string      `json:"b,omitempty"`
	Testing   bool        `json:"testing,omitempty"`
	Secure    bool        `json:"secure,omitempty"`
}

func printVerdictsJSON(io stdio, results []verifier.Result) error {
	all := []verdict{}
	for _, r := range results {
		v := verdict{
			Status: r.Status, Reason: r.Reason, Domain: r.Domain, Selector: r.Selector, Identity: r.Identity, Algorithm: r.Algorithm,
			Bits: r.Bits, Headers: r.HeaderNames, B: r.BPrefix, Testing: r.Testing, Secure: r.Secure,
		}
		if r.Err != nil {
			v.Detail = r.Err.Error()
		}
		if !r.Time.IsZero() {
			v.Time = &r.Time
		}
		if !r.Expiry.IsZero() {
			v.Expiry = &r.Expiry
		}
		all = append(all, v)
	}
	out := json.NewEncoder(io.out)
	out.SetIndent("", "  ")
	return out.Encode(all)
}
