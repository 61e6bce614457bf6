// Package requirements knows what the mission asks for, 126 numbered lines, and
// which tests prove it: docs/requirements.md is made from both.
//
// A test of a line is a subtest with its number as its name, wherever it stands:
//
//	t.Run("INF-17", func(t *testing.T) { … })
package requirements

import (
	_ "embed"
	"fmt"
	"regexp"

	"github.com/BurntSushi/toml"
)

// Requirement is one numbered line.
type Requirement struct {
	Number string `toml:"number"` // INF-17
	Kind   string `toml:"kind"`   // letters of Kinds, ", " between
	Words  string `toml:"words"`  // what is asked for
	Open   string `toml:"open"`   // what nothing proves yet
}

// Kinds are what a line may be about.
var Kinds = map[string]string{
	"B": "behaviour", "S": "state", "R": "rule", "W": "warning", "U": "user interface", "I": "explanation",
}

// Source is where lines come from.
type Source struct {
	Prefix, Title string
	Count         int // of its lines, from 1 on
}

// Sources are the systems that the mission describes, in its order.
var Sources = []Source{
	{"INF", "Infusionsoft", 36},
	{"KAR", "Kartra", 32},
	{"OCR", "OpenCRM", 24},
	{"TST", "The three-step process of a support team", 15},
	{"MA", "Mail Assure", 19},
}

// number is how a subtest has to be called.
var number = regexp.MustCompile(`^(INF|KAR|OCR|TST|MA)-[1-9][0-9]*$`)

//go:embed requirements.toml
var text string

// All are the lines in order.
func All() ([]Requirement, error) {
	var file struct {
		All []Requirement `toml:"requirement"`
	}
	meta, err := toml.Decode(text, &file)
	if err == nil && len(meta.Undecoded()) > 0 {
		err = fmt.Errorf("unknown key %s", meta.Undecoded()[0])
	}
	if err != nil {
		return nil, fmt.Errorf("requirements.toml: %w", err)
	}
	return file.All, nil
}
