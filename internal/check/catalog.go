package check

import (
	_ "embed"
	"fmt"
	"slices"
	"sync"

	"github.com/BurntSushi/toml"
)

//go:embed findings.toml
var findingsFile string

// Kind is a row of findings.toml: all that is said about one code.
type Kind struct {
	Code       string     `toml:"code"`
	Severities []Severity `toml:"severity"` // the usual one first
	Title      string     `toml:"title"`
	Asked      string     `toml:"asked"` // this and the next three with {facts}
	Got        string     `toml:"got"`
	Expected   string     `toml:"expected"`
	Change     string     `toml:"change"`
	Cause      string     `toml:"cause"`
}

// Kinds returns all that there are, in the order of the file.
func Kinds() []Kind { return slices.Clone(catalog().list) }

type kinds struct {
	list   []Kind
	byCode map[string]Kind
}

// catalog reads the file, which is part of the program: what is wrong in it is seen by the first test.
var catalog = sync.OnceValue(func() kinds {
	var file struct {
		Finding []Kind `toml:"finding"`
	}
	if _, err := toml.Decode(findingsFile, &file); err != nil {
		panic(fmt.Sprintf("findings.toml: %v", err))
	}
	k := kinds{byCode: map[string]Kind{}}
	for _, row := range file.Finding {
		if row.Asked == "" {
			row.Asked = "{name} TXT at {servers}"
		}
		if row.Expected == "" {
			row.Expected = "{want}"
		}
		k.list = append(k.list, row)
		k.byCode[row.Code] = row
	}
	return k
})
