package main

import (
	"context"
	"flag"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/manual"
)

var update = flag.Bool("update", false, "write docs/commands.md anew")

// exitCodes documents the exit codes; TestExitCodes sees that none is missing.
var exitCodes = []manual.ExitCode{
	{Code: exitDone, Meaning: "done"},
	{Code: exitWarnings, Meaning: "done, with warnings"},
	{Code: exitFinding, Meaning: "an error was found: a message that is not signed or does not verify, a record that is wrong, a file that cannot be read"},
	{Code: exitRefused, Meaning: "refused by the state of what it is about: a file that exists, a domain that is there already"},
	{Code: exitUsage, Meaning: "wrong usage"},
	{Code: exitInternal, Meaning: "a fault, or a listener or file that the system does not give; `serve` is started again by systemd"},
	{Code: exitTemporary, Meaning: "may be better later: DNS or the database gave no answer"},
	{Code: exitConfig, Meaning: "the configuration is wrong (`serve`, `check-config` and whoever reads it); systemd does not start the service again"},
}

const commandsPage = "../../docs/commands.md"

func allCommands() *cobra.Command {
	return newRoot(stdio{strings.NewReader(""), io.Discard, io.Discard}, nil)
}

// docs/commands.md, and postseal(8) with it, is made from the commands:
// go test ./cmd/postseal -run TestCommandsPage -update
func TestCommandsPage(t *testing.T) {
	want := manual.Commands(allCommands(), exitCodes)
	if *update {
		if err := os.WriteFile(commandsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(commandsPage)
	if err != nil || string(got) != want {
		t.Errorf("docs/commands.md is stale (%v): make docs", err)
	}
}

// Every exit code of run.go is documented.
func TestExitCodes(t *testing.T) {
	source, err := os.ReadFile("run.go")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, c := range exitCodes {
		documented[strconv.Itoa(c.Code)] = true
	}
	codes := regexp.MustCompile(`(?m)^\texit[A-Z]\w+ += (\d+)`).FindAllSubmatch(source, -1)
	if len(codes) != len(exitCodes) {
		t.Errorf("%d codes, %d are documented", len(codes), len(exitCodes))
	}
	for _, code := range codes {
		if !documented[string(code[1])] {
			t.Errorf("exit code %s is not documented", code[1])
		}
	}
}

// Every command says what it is.
func TestCommandsAreDocumented(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: short text %q", c.CommandPath(), c.Short)
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(allCommands())
}

// completions asks the program as the scripts of "postseal completion" do.
func completions(t *testing.T, words ...string) string {
	t.Helper()
	var out strings.Builder
	code := run(context.Background(), append([]string{"__complete"}, words...), stdio{strings.NewReader(""), &out, io.Discard})
	if code != exitDone {
		t.Fatalf("%v: exit code %d", words, code)
	}
	return out.String()
}

func TestCompletion(t *testing.T) {
	const files, noFiles = ":0\n", ":4\n" // cobra.ShellCompDirective
	tests := map[string]struct {
		words []string
		has   string
		end   string
	}{
		"commands":          {[]string{"check"}, "check-config\t", noFiles},
		"subcommands":       {[]string{"import", ""}, "opendkim\t", noFiles},
		"options":           {[]string{"serve", "--"}, "--config\t", noFiles},
		"--config":          {[]string{"serve", "--config", ""}, "", files},
		"keygen --output":   {[]string{"keygen", "--output", ""}, "", files},
		"import --output":   {[]string{"import", "opendkim", "--output", ""}, "", files},
		"check --key":       {[]string{"check", "--key", ""}, "", files},
		"verify --original": {[]string{"verify", "--original", ""}, "", files},
		"verify FILE":       {[]string{"verify", ""}, "", files},
		"help of commands":  {[]string{"help", "import", ""}, "opendkim\t", noFiles},
		"help of options":   {[]string{"help", "config", "sign.over"}, "sign.oversign_absent\n", noFiles},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := completions(t, test.words...); !strings.Contains(got, test.has) || !strings.HasSuffix(got, test.end) {
				t.Errorf("got %q, want %q and at its end %q", got, test.has, test.end)
			}
		})
	}
}
