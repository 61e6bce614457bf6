package manual

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/postseal/postseal/internal/config"
)

//go:embed configuration.md
var configurationFrame string

// Configuration is docs/configuration.md.
func Configuration() string {
	var w strings.Builder
	for _, table := range config.Options() {
		fmt.Fprintf(&w, "### %s\n\n%s\n\n", tableName(table), tableText(table))
		for _, o := range table.Options {
			fmt.Fprintf(&w, "* `%s`\n\n%s\n\n", o.Key, indent(optionText(table, o)))
		}
	}
	return strings.Replace(configurationFrame, "@OPTIONS@\n", strings.TrimRight(w.String(), "\n")+"\n", 1)
}

// OptionHelp is the text of one option, of the options of one table, or of all of
// them; false if there is no such key.
func OptionHelp(key string) (text string, ok bool) {
	var w strings.Builder
	for _, table := range config.Options() {
		whole := key == "" || table.Name == key
		if whole {
			fmt.Fprintf(&w, "%s\n\n%s\n\n", tableName(table), tableText(table))
		}
		for _, o := range table.Options {
			name := strings.TrimPrefix(table.Name+"."+o.Key, ".")
			if whole || name == key {
				fmt.Fprintf(&w, "%s\n%s\n\n", name, indent(optionText(table, o)))
			}
		}
	}
	return w.String(), w.Len() > 0
}

// OptionKeys are the keys that OptionHelp takes.
func OptionKeys() (keys []string) {
	for _, table := range config.Options() {
		if table.Name != "" {
			keys = append(keys, table.Name)
		}
		for _, o := range table.Options {
			keys = append(keys, strings.TrimPrefix(table.Name+"."+o.Key, "."))
		}
	}
	return keys
}

func tableName(t config.OptionTable) string {
	switch {
	case t.Name == "":
		return "Without a table"
	case t.Rows:
		return "[[" + t.Name + "]]"
	}
	return "[" + t.Name + "]"
}

func tableText(t config.OptionTable) string {
	if t.Restart {
		return t.Text + "\nA change needs a restart."
	}
	return t.Text
}

// optionText is what the option is, in Markdown.
func optionText(t config.OptionTable, o config.Option) string {
	facts := []string{upperFirst(o.Type)}
	switch {
	case t.Rows && t.Name != "listener" && o.Example != "":
		facts = append(facts, "for example `"+o.Example+"`")
	case t.Rows && t.Name != "listener" && o.Type == "text":
		facts = append(facts, "may be left out")
	default:
		facts = append(facts, "default `"+o.Default+"`")
		if o.Example != "" {
			facts = append(facts, "for example `"+o.Example+"`")
		}
	}
	if given := quoted(o.Values); len(given) > 0 {
		facts = append(facts, "one of "+strings.Join(given, ", "))
		if strings.HasPrefix(o.Type, "list") {
			facts[len(facts)-1] = "of " + strings.Join(given, ", ")
		}
	}
	if bounds := bounds(o); bounds != "" {
		facts = append(facts, bounds)
	}
	text := strings.Join(facts, "; ") + ".\n" + o.Text
	if o.Restart && !t.Restart {
		text += "\nA change needs a restart."
	}
	return text
}

func bounds(o config.Option) string {
	switch {
	case o.Least != nil && o.Most != nil:
		return fmt.Sprintf("%d to %d", *o.Least, *o.Most)
	case o.Least != nil:
		return fmt.Sprintf("at least %d", *o.Least)
	case o.Most != nil:
		return fmt.Sprintf("at most %d", *o.Most)
	}
	return ""
}

// quoted are the values as the file has them; that an option may be empty shows in its default.
func quoted(values []string) (all []string) {
	for _, v := range values {
		if v != "" {
			all = append(all, "`\""+v+"\"`")
		}
	}
	return all
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func indent(text string) string {
	return "  " + strings.ReplaceAll(text, "\n", "\n  ")
}
