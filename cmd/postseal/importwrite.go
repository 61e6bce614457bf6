package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/daemon"
	"github.com/postseal/postseal/internal/opendkim"
	"github.com/postseal/postseal/keytable"
)

// write makes the directory: all of it beside its place first, checked as check-config would, then renamed.
func (i *importer) write(ctx context.Context, output string) error {
	dir, err := vacant(output)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-")
	if err != nil {
		return cannotWrite(dir, err)
	}
	defer os.RemoveAll(temp)
	if err := i.fill(ctx, temp, dir); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // goes only while it is empty
		return refuseDir(dir, err)
	}
	if err := os.Rename(temp, dir); err != nil {
		return cannotWrite(dir, err)
	}
	i.report()
	i.tellUnreadable(dir)
	fmt.Fprintf(i.io.out, "%s: written; next: postseal check-config --config %s\n", dir, filepath.Join(dir, opendkim.ConfigFile))
	return i.outcome()
}

// vacant gives the directory to write, behind a symbolic link if output is one: nothing is there that would be
// overwritten, and everything above it is.
func vacant(output string) (dir string, err error) {
	if dir, err = absolute(output); err != nil {
		return "", err
	}
	if target, err := filepath.EvalSymlinks(dir); err == nil {
		dir = target
	} else if _, err := os.Lstat(dir); err == nil {
		return "", &exitError{exitUsage, fmt.Errorf("--output %s is a symbolic link to nothing: make what it points to, or name another directory", dir)}
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return dir, above(dir)
	case errors.Is(err, syscall.ENOTDIR):
		return "", &exitError{exitUsage, fmt.Errorf("--output %s is a file, or one stands above it: name a directory that does not exist yet", dir)}
	case err != nil:
		return "", cannotWrite(dir, err)
	case len(entries) > 0:
		return "", refuseDir(dir, errors.New("it is not empty"))
	}
	return dir, nil
}

// above sees that the directory above dir is there.
func above(dir string) error {
	parent := filepath.Dir(dir)
	if _, err := os.Stat(parent); errors.Is(err, fs.ErrNotExist) {
		return &exitError{exitUsage, fmt.Errorf("--output %s: there is no directory %s: make it first (mkdir -p %s), or name another place", dir, parent, parent)}
	}
	return nil
}

func refuseDir(dir string, why error) error {
	return &exitError{exitRefused, fmt.Errorf("%s: %w, and nothing is overwritten: name a new directory, such as %s", dir, why, filepath.Join(dir, "opendkim"))}
}

// cannotWrite says what to do about an error of the file system. Nothing is left behind.
func cannotWrite(dir string, err error) error {
	var told *exitError
	switch {
	case errors.As(err, &told):
		return err
	case errors.Is(err, fs.ErrPermission):
		return &exitError{exitUsage, fmt.Errorf("--output %s: %w: import as root, or name a directory that you may write to", dir, err)}
	case errors.Is(err, syscall.EROFS):
		return &exitError{exitUsage, fmt.Errorf("--output %s: %w: name a directory elsewhere", dir, err)}
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return failed(fmt.Errorf("%w: nothing was written; make room, or name a directory elsewhere with --output", err))
	}
	return err
}

// fill writes all files into temp and checks them there; then postseal.toml is written as it has to be in dir.
func (i *importer) fill(ctx context.Context, temp, dir string) error {
	if err := i.fillFiles(ctx, temp, dir); err != nil {
		return cannotWrite(dir, err)
	}
	return nil
}

func (i *importer) fillFiles(ctx context.Context, temp, dir string) error {
	gid := serviceGroupID()
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	for name, text := range i.tables() {
		if err := writeNew(filepath.Join(temp, name), []byte(text), gid); err != nil {
			return err
		}
	}
	for _, c := range i.result.Copies {
		if err := copyKey(c, temp, gid); err != nil {
			return err
		}
	}
	path := filepath.Join(temp, opendkim.ConfigFile)
	if err := writeNew(path, []byte(i.result.Config(temp)), gid); err != nil {
		return err
	}
	if err := i.works(ctx, path, temp, dir); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return writeNew(path, []byte(i.result.Config(dir)), gid)
}

// tables are the files beside postseal.toml and the keys.
func (i *importer) tables() map[string]string {
	files := map[string]string{}
	for name, lines := range map[string][]opendkim.Line{
		opendkim.KeyTableFile: i.result.KeyTable, opendkim.SigningTableFile: i.result.SigningTable, opendkim.RecordsFile: i.result.Records,
	} {
		if len(lines) > 0 {
			files[name] = opendkim.Text(lines)
		}
	}
	return files
}

// writeNew writes a file that does not exist yet, for its owner and the service's group; without one (gid -1) for its
// owner alone.
func writeNew(path string, text []byte, gid int) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil && gid >= 0 {
		err = f.Chown(-1, gid)
	}
	if err == nil && gid >= 0 {
		err = f.Chmod(0o640)
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// copyKey copies one key file, with the directories above it.
func copyKey(c opendkim.Copy, dir string, gid int) error {
	text, err := os.ReadFile(c.From)
	if err != nil {
		return findingError(fmt.Errorf("%s: %w", c.At, err))
	}
	made := dir
	for part := range strings.SplitSeq(filepath.Dir(c.To), "/") {
		made = filepath.Join(made, part)
		err := os.Mkdir(made, 0o700)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil && gid >= 0 {
			err = os.Chown(made, -1, gid)
		}
		if err == nil && gid >= 0 {
			err = os.Chmod(made, 0o750)
		}
		if err != nil {
			return err
		}
	}
	return writeNew(filepath.Join(dir, c.To), text, gid)
}

// serviceGroupID is the group that may read what root writes, or -1: not root, or no such group.
func serviceGroupID() int {
	group, err := user.LookupGroup(serviceGroup)
	if err != nil || os.Geteuid() != 0 {
		return -1
	}
	gid, err := strconv.Atoi(group.Gid)
	if err != nil {
		return -1
	}
	return gid
}

// works asks what check-config asks, and names the installation's own lines.
func (i *importer) works(ctx context.Context, path, temp, dir string) error {
	cfg, formErr := config.Load(path)
	if cfg == nil {
		return findingError(formErr)
	}
	snapshot, err := daemon.BuildOnce(cfg)
	found := i.sources(errors.Join(formErr, err), temp)
	if snapshot != nil {
		problems, _ := daemon.AllProblems(ctx, snapshot)
		for _, p := range problems {
			found = append(found, i.sources(p, temp)...)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return findingError(errors.New(strings.ReplaceAll(strings.Join(found, "\n"), temp, dir)))
}

// sources gives errors about the files that were written as errors about the lines from which they were made.
func (i *importer) sources(err error, temp string) (found []string) {
	switch e := err.(type) {
	case nil:
		return nil
	case keytable.Problems:
		for _, p := range e {
			found = append(found, i.sources(p, temp)...)
		}
		return found
	case keytable.Problem:
		lines := map[string][]opendkim.Line{
			filepath.Join(temp, opendkim.KeyTableFile): i.result.KeyTable, filepath.Join(temp, opendkim.SigningTableFile): i.result.SigningTable,
		}[e.Path]
		if e.Line > 0 && e.Line <= len(lines) {
			e.Path, e.Line = lines[e.Line-1].From.Path, lines[e.Line-1].From.Line
		}
		return []string{e.Error()}
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			found = append(found, i.sources(part, temp)...)
		}
		return found
	}
	return []string{err.Error()}
}
