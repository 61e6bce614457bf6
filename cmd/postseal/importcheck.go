package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/postseal/postseal/internal/access"
	"github.com/postseal/postseal/internal/opendkim"
)

// check does all but write: the files are tried in a private directory that goes again.
func (i *importer) check(ctx context.Context, output string) error {
	temp, err := os.MkdirTemp("", "postseal-import-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	inner := filepath.Join(temp, "postseal") // fill opens the directory itself to others; temp stays closed
	if err := os.Mkdir(inner, 0o700); err != nil {
		return err
	}
	dir := inner
	if output != "" {
		if dir, err = absolute(output); err != nil {
			return err
		}
	}
	if err := i.fill(ctx, inner, dir); err != nil {
		return err
	}
	i.report()
	if output != "" {
		if err := i.compare(inner, dir); err != nil {
			return err
		}
	}
	return i.outcome()
}

// compare tells how the files in dir differ from those that would be written now.
func (i *importer) compare(fresh, dir string) error {
	return filepath.WalkDir(fresh, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(fresh, path)
		if err != nil {
			return err
		}
		want, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		have, err := os.ReadFile(filepath.Join(dir, name))
		verdict := "the same"
		switch {
		case errors.Is(err, fs.ErrNotExist):
			verdict = "missing"
		case err != nil:
			return err
		case string(have) != string(want):
			verdict = "differs from what the import would write now"
		}
		i.differ = i.differ || verdict != "the same"
		fmt.Fprintf(i.io.out, "%s: %s\n", filepath.Join(dir, name), verdict)
		return nil
	})
}

// tellUnreadable names the files that the service could not read.
func (i *importer) tellUnreadable(dir string) {
	service, err := access.Lookup(serviceGroup) // user and group have the same name
	if err != nil {
		fmt.Fprintf(i.io.err, "postseal: warning: whether the service can read the files is not tested: %v\n", err)
		return
	}
	paths := []string{filepath.Join(dir, opendkim.ConfigFile)}
	for name := range i.tables() {
		paths = append(paths, filepath.Join(dir, name))
	}
	paths = append(paths, i.result.KeyFiles(dir)...)
	for _, path := range paths {
		if why, fix := service.CannotRead(path); why != "" {
			i.closed = true
			fmt.Fprintf(i.io.err, "postseal: warning: user %s cannot read %s: %s (%s)\n", service.Name, path, why, fix)
		}
	}
}
