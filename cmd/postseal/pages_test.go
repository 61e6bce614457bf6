package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestPagesNameRealCommands sees that what README and docs tell people to type
// exists: each "postseal COMMAND --option" in code.
func TestPagesNameRealCommands(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, words := range typed(string(text)) {
			seen++
			if problem := unknown(words); problem != "" {
				t.Errorf("%s: postseal %s: %s", filepath.Base(page), strings.Join(words, " "), problem)
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d commands found", seen)
	}
}

var (
	codeSpan  = regexp.MustCompile("(?s)`([^`]+)`")
	codeLine  = regexp.MustCompile(`(?m)^    +(.*)$`)
	atCommand = regexp.MustCompile(`(?:^|[;&|] *)postseal +([^|;&#)]*)`)
)

// typed finds calls of postseal in code, split into words.
func typed(page string) (calls [][]string) {
	var code []string
	page = strings.ReplaceAll(page, "\\\n", " ") // lines that go on
	for paragraph := range strings.SplitSeq(page, "\n\n") {
		if strings.HasPrefix(paragraph, "    ") {
			for _, m := range codeLine.FindAllStringSubmatch(paragraph, -1) {
				code = append(code, m[1])
			}
			continue
		}
		for _, m := range codeSpan.FindAllStringSubmatch(paragraph, -1) {
			code = append(code, strings.Join(strings.Fields(m[1]), " "))
		}
	}
	for _, line := range code {
		for _, m := range atCommand.FindAllStringSubmatch(line, -1) {
			calls = append(calls, strings.Fields(m[1]))
		}
	}
	return calls
}

// unknown says what of a call does not exist.
func unknown(words []string) string {
	if len(words) == 0 || !regexp.MustCompile(`^[a-z]`).MatchString(words[0]) || words[0] == "completion" {
		return ""
	}
	root := allCommands()
	root.InitDefaultHelpCmd()
	c, _, err := root.Find(words)
	switch {
	case err != nil:
		return err.Error()
	case c == root:
		return "no such command"
	case c.HasSubCommands() && len(words) > 1 && regexp.MustCompile(`^[a-z]`).MatchString(words[1]):
		return "no such verb"
	}
	return unknownFlag(c, words)
}

func unknownFlag(c *cobra.Command, words []string) string {
	c.InitDefaultHelpFlag()
	c.InheritedFlags()
	for _, word := range words {
		name, isFlag := strings.CutPrefix(word, "--")
		name, _, _ = strings.Cut(strings.Trim(name, "[](),."), "=")
		if isFlag && name != "" && c.Flags().Lookup(name) == nil {
			return "no option --" + name
		}
	}
	return ""
}

func TestUnknown(t *testing.T) {
	page := "Say `postseal serv` or\n`postseal check-config\n--prnt`.\n\n    x | postseal sign --raw -; postseal domain ad x\n    postseal keygen --domain x \\\n        --outptu y\n    systemctl reload postseal\n"
	var problems []string
	for _, words := range typed(page) {
		if p := unknown(words); p != "" {
			problems = append(problems, words[0])
		}
	}
	if got, want := strings.Join(problems, " "), "serv check-config domain keygen"; got != want {
		t.Errorf("found %q, want %q", got, want)
	}
}
