package main

import (
	"crypto/fips140"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func newVersion(io stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version and how it was built",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(io.out, "postseal %s %s %s/%s, %s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, cryptoName())
			return err
		},
	}
}

// cryptoName tells which implementation does the key operations.
func cryptoName() string {
	switch {
	case boring():
		return "BoringCrypto"
	case fips140.Enabled():
		return "Go crypto in FIPS 140 mode"
	}
	return "Go crypto"
}
