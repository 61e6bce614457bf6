package manual

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

//go:embed commands.md
var commandsFrame string

// ExitCode is a code that the program ends with.
type ExitCode struct {
	Code    int
	Meaning string
}

// Commands is docs/commands.md, for the program's root command.
func Commands(root *cobra.Command, codes []ExitCode) string {
	root.InitDefaultHelpCmd()
	var commands, exits strings.Builder
	for _, c := range root.Commands() {
		command(&commands, c)
	}
	for _, c := range codes {
		fmt.Fprintf(&exits, "* `%d`\n\n  %s\n\n", c.Code, c.Meaning)
	}
	page := strings.Replace(commandsFrame, "@COMMANDS@\n", strings.TrimRight(commands.String(), "\n")+"\n", 1)
	return strings.Replace(page, "@CODES@\n", strings.TrimRight(exits.String(), "\n")+"\n", 1)
}

// command writes one command and those below it.
func command(w *strings.Builder, c *cobra.Command) {
	if c.Hidden || c.Deprecated != "" {
		return
	}
	if c.IsAdditionalHelpTopicCommand() {
		fmt.Fprintf(w, "### postseal help %s\n\n%s.\n\n", c.Name(), markdownText(c.Short))
		return
	}
	fmt.Fprintf(w, "### %s\n\n", c.CommandPath())
	if !c.HasSubCommands() {
		fmt.Fprintf(w, "    %s\n\n", c.UseLine())
	}
	if c.Long == "" {
		fmt.Fprintf(w, "%s.\n\n", markdownText(c.Short))
	} else {
		fmt.Fprintf(w, "%s\n\n", markdownText(c.Long))
	}
	flags(w, c)
	if c.Example != "" {
		fmt.Fprintf(w, "For example\n\n%s\n\n", codeBlock(c.Example))
	}
	for _, sub := range c.Commands() {
		command(w, sub)
	}
}

// flags lists a command's own flags and those of its parents.
func flags(w *strings.Builder, c *cobra.Command) {
	if c.HasSubCommands() { // each of them lists what it takes
		return
	}
	c.InheritedFlags() // merges them into Flags
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		kind, usage := pflag.UnquoteUsage(f)
		if kind != "" {
			name += " *" + strings.TrimSuffix(strings.TrimSuffix(kind, "Array"), "Slice") + "*"
		}
		fmt.Fprintf(w, "* %s\n\n  %s%s\n\n", name, markdownText(usage), defaultOf(f))
	})
}

// defaultOf says what a flag is unless it is given; nothing if that is nothing.
func defaultOf(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "0", "0s", "false", "[]":
		return ""
	}
	return " (default `" + f.DefValue + "`)"
}

// markdownText keeps plain text from being taken for Markdown. Lines that begin
// with blanks are taken as they are.
func markdownText(text string) string {
	var out []string
	escape := strings.NewReplacer("*", `\*`, "_", `\_`, "<", `\<`, "[", `\[`)
	wasCode := false
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		isCode := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
		if isCode != wasCode && line != "" {
			out = append(out, "")
			wasCode = isCode
		}
		if isCode {
			line = "    " + strings.TrimLeft(line, "\t ")
		} else {
			line = escape.Replace(line)
		}
		out = append(out, line)
	}
	return strings.ReplaceAll(strings.Join(out, "\n"), "\n\n\n", "\n\n")
}

func codeBlock(text string) string {
	var out []string
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		out = append(out, "    "+strings.TrimPrefix(line, "  "))
	}
	return strings.Join(out, "\n")
}
