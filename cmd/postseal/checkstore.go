package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/config"
)

// stored are the store's keys of the subject's domain, or the one with its selector,
// that are not among known. A check needs no store: one that cannot be opened is told
// as why. Root becomes its owner, so it is opened when every file has been read. The
// store stays open until done is called, for what the check asks about other keys.
func (o *checkOptions) stored(ctx context.Context, std stdio, cfg *config.Config, base check.Subject, known []check.Subject) (all []check.Subject, why string, done func() error) {
	done = func() error { return nil }
	there, err := storeIsThere(cfg.Store.URL)
	if err != nil {
		return nil, fmt.Sprintf("the store is left out: %v", err), done
	}
	if !there {
		return nil, "", done
	}
	s, err := o.open(ctx, std, o.config)
	if err != nil {
		return nil, fmt.Sprintf("the store is left out: %v", err), done
	}
	found, err := s.service.Subjects(ctx, base.Domain, base.Selector)
	if err != nil {
		return nil, fmt.Sprintf("the store is left out: %v", err), s.close
	}
	for _, f := range found {
		same := func(other check.Subject) bool {
			return other.Selector == f.Selector && check.Fingerprint(other.Public) == check.Fingerprint(f.Public)
		}
		if !slices.ContainsFunc(known, same) {
			all = append(all, f)
		}
	}
	return all, "", s.close
}

// storeIsThere: one is configured, and exists; opening one that does not would make
// it.
func storeIsThere(url string) (bool, error) {
	path, file := strings.CutPrefix(url, "sqlite:")
	if !file {
		return url != "", nil
	}
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
