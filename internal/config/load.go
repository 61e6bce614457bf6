package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// maxFile bounds the configuration file; a real one has a few kilobytes.
const maxFile = 1 << 20

// Load reads a file as Parse does. The error is Problems, or why the file cannot be opened.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &readError{Problem{Path: path, Text: "the file does not exist", Hint: "name another with --config"}, err}
		}
		hint := "is it the right file?"
		if errors.Is(err, fs.ErrPermission) {
			hint = "run this as root or as the service's user, who reads it by its group: chgrp postseal " + path + " && chmod 0640 " + path
		}
		return nil, &readError{Problem{Path: path, Text: fmt.Sprintf("cannot read it: %v", err), Hint: hint}, err}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, Problems{{Path: path, Text: fmt.Sprintf("cannot read it: %v", err), Hint: "is it the right file?"}}
	}
	if len(text) > maxFile {
		return nil, Problems{{Path: path, Text: "larger than 1 MiB", Hint: "is this the right file?"}}
	}
	return Parse(path, string(text))
}

// readError is a file that cannot be opened.
type readError struct {
	Problem
	err error
}

func (e *readError) Unwrap() error { return e.err }

// Parse reads the text of a file; path is for messages. With Problems comes what
// could be read all the same, unless the text is no TOML.
func Parse(path, text string) (*Config, error) {
	var generic map[string]any
	if _, err := toml.Decode(text, &generic); err != nil {
		return nil, Problems{syntaxProblem(path, err)}
	}
	cfg := Default()
	cfg.Path, cfg.lines = path, scanLines(text)
	check := checker{cfg: cfg}
	check.table("", generic, reflect.TypeFor[Config]())
	if rows, _ := generic["listener"].([]map[string]any); len(rows) > 0 {
		cfg.Listeners = slices.Repeat([]Listener{DefaultListener()}, len(rows))
	}
	if rows, _ := generic["user"].([]map[string]any); len(rows) > 0 {
		cfg.Users = slices.Repeat([]User{DefaultUser()}, len(rows))
	}
	if rows, _ := generic["driver"].([]map[string]any); len(rows) > 0 {
		cfg.Drivers = slices.Repeat([]Driver{DefaultDriver()}, len(rows))
	}
	rest, err := toml.Marshal(generic)
	if err == nil {
		err = toml.Unmarshal(rest, cfg)
	}
	if err != nil {
		return nil, Problems{{Path: path, Text: err.Error()}}
	}
	if problems := append(check.problems, cfg.validate()...); len(problems) > 0 {
		return cfg, inFileOrder(problems)
	}
	return cfg, nil
}

func syntaxProblem(path string, err error) Problem {
	var parse toml.ParseError
	if errors.As(err, &parse) {
		return Problem{Path: path, Line: parse.Position.Line, Text: parse.Message, Hint: "the file is TOML: key = \"text\", key = [\"a\", \"b\"], [table]; see postseal.toml(5)"}
	}
	return Problem{Path: path, Text: err.Error()}
}

func inFileOrder(ps Problems) Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key))
	})
	return ps
}

// Print writes the effective configuration as a file that Load would read
// to the same effect.
func (c *Config) Print(w io.Writer) error {
	enc := toml.NewEncoder(w)
	enc.Indent = ""
	shown := *c
	shown.Store.URL = c.Store.Shown()
	return enc.Encode(&shown)
}

// Shown is the store's address without a password (ruling 7: what is printed may be
// pasted somewhere). Of what is no address only the kind of store is shown.
func (s Store) Shown() string {
	if s.URL == "" {
		return ""
	}
	u, err := url.Parse(s.URL)
	if i := slices.IndexFunc(schemes, func(scheme string) bool { return strings.HasPrefix(s.URL, scheme) }); err != nil || i < 0 {
		scheme, _, is := strings.Cut(s.URL, ":")
		if !is {
			return "…"
		}
		return scheme + ":…"
	}
	query := u.Query()
	for _, secret := range []string{"password", "sslpassword"} {
		if query.Has(secret) {
			query.Set(secret, "xxxxx")
			u.RawQuery = query.Encode()
		}
	}
	return u.Redacted()
}
