// Command mkman writes the man pages into a directory: mkman DOCS OUTPUT.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/postseal/postseal/internal/manual"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: mkman DOCS OUTPUT")
		os.Exit(4)
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "mkman:", err)
		os.Exit(5)
	}
}

func write(docs, output string) error {
	if err := os.MkdirAll(output, 0o755); err != nil {
		return err
	}
	for _, page := range manual.Pages {
		text, err := os.ReadFile(filepath.Join(docs, page.Source))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(output, page.File()), []byte(page.Man(string(text))), 0o644); err != nil {
			return err
		}
	}
	return nil
}
