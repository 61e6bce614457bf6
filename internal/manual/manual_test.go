package manual

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

const configurationPage = "../../docs/configuration.md"

// docs/configuration.md, and postseal.toml(5) with it, is made from options.toml:
// go test ./internal/manual -run TestConfigurationPage -update
func TestConfigurationPage(t *testing.T) {
	want := Configuration()
	if *update {
		if err := os.WriteFile(configurationPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(configurationPage)
	if err != nil || string(got) != want {
		t.Errorf("docs/configuration.md is stale (%v): make docs", err)
	}
}

func TestOptionHelp(t *testing.T) {
	for key, want := range map[string]string{
		"sign.oversign":        "Date",
		"verify.domain":        "no_aligned_pass",
		"authserv_id":          "Authentication-Results",
		"":                     "limits.frame_bytes",
		"limits.stop_timeout":  "`\"20s\"`",
		"domains.rotate_every": "default `\"\"`",
	} {
		if text, ok := OptionHelp(key); !ok || !strings.Contains(text, want) {
			t.Errorf("%q: no %q in %q", key, want, text)
		}
	}
	if text, ok := OptionHelp("sign.oversing"); ok {
		t.Errorf("an option that does not exist: %q", text)
	}
	for _, key := range OptionKeys() {
		if _, ok := OptionHelp(key); !ok {
			t.Errorf("%s: no text", key)
		}
	}
}

func TestMan(t *testing.T) {
	page := Page{Source: "x.md", Name: "post-seal", Section: "5", Title: "File Formats"}
	tests := map[string]struct{ markdown, want string }{
		"head":              {"# x\n\nwhat it is\n", ".TH POST\\-SEAL 5 \"\" postseal \"File Formats\"\n.nh\n.SH NAME\npost\\-seal \\- what it is\n"},
		"section":           {"# x\n\ny\n\n## See \"also\"\n", ".SH \"SEE ALSO\"\n"},
		"subsection":        {"# x\n\ny\n\n### a --b\n", ".SS \"a \\-\\-b\"\n"},
		"paragraph":         {"# x\n\ny\n\none\ntwo\n", ".PP\none\ntwo\n"},
		"code":              {"# x\n\ny\n\n    a -b 'c'\n\n    \\d\n", ".nf\na \\-b \\(aqc\\(aq\n\n\\(rsd\n.fi\n"},
		"bullet":            {"# x\n\ny\n\n* one\n  two\n* three\n", ".IP \\(bu 2\none\ntwo\n.IP \\(bu 2\nthree\n"},
		"term":              {"# x\n\ny\n\n* `-c` *file*\n\n  text\n\n  more\n\n      code\n\n* b\n\n  c\n", ".TP\n\\fB\\-c\\fR \\fIfile\\fR\ntext\n.IP\nmore\n.RS\n.PP\n.RS 4\n.nf\ncode\n.fi\n.RE\n.RE\n.TP\nb\nc\n"},
		"a request":         {"# x\n\ny\n\n.so /etc/passwd\n'x\n", ".PP\n\\&.so /etc/passwd\n\\&'x\n"},
		"a request in code": {"# x\n\ny\n\n    .so x\n", ".nf\n\\&.so x\n"},
		"a backslash":       {"# x\n\ny\n\na \\ b `\\e`\n", "a \\(rs b \\fB\\(rse\\fR\n"},
		"link":              {"# x\n\ny\n\nsee [the page](design.md)\n", "see the page\n"},
		"page":              {"# x\n\ny\n\nsee postseal.toml(5)\n", "see \\fBpostseal.toml\\fR(5)\n"},
		"escaped":           {"# x\n\ny\n\na \\* b\\_c \\[d] \\<e\n", "a * b_c [d] <e\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := page.Man(test.markdown); !strings.Contains(got, test.want) {
				t.Errorf("got\n%s\nwant in it\n%s", got, test.want)
			}
		})
	}
}

func TestCommands(t *testing.T) {
	root := &cobra.Command{Use: "postseal"}
	run := func(*cobra.Command, []string) {}
	show := &cobra.Command{Use: "show DOMAIN", Short: "Show *one*", Example: "  postseal show a", Run: run}
	show.Flags().StringP("config", "c", "/etc/x", "the `FILE`")
	show.Flags().Bool("secret", false, "not for you")
	if err := show.Flags().MarkHidden("secret"); err != nil {
		t.Fatal(err)
	}
	domain := &cobra.Command{Use: "domain", Short: "Look after domains", Long: "Verbs:\n  add    makes\n  show   shows\nand no more"}
	domain.PersistentFlags().Bool("json", false, "print JSON")
	domain.AddCommand(show)
	root.AddCommand(domain, &cobra.Command{Use: "ghost", Short: "Not there", Hidden: true, Run: run}, &cobra.Command{Use: "topic", Short: "A topic", Long: "Long"})
	page := Commands(root, []ExitCode{{0, "done"}})
	for _, want := range []string{
		"### postseal domain\n\nVerbs:\n\n    add    makes\n    show   shows\n\nand no more\n",
		"### postseal domain show\n\n    postseal domain show DOMAIN [flags]\n\nShow \\*one\\*.\n",
		"* `-c`, `--config` *FILE*\n\n  the FILE (default `/etc/x`)\n",
		"* `--json`\n\n  print JSON\n",
		"For example\n\n    postseal show a\n",
		"### postseal help topic\n\nA topic.\n",
		"* `0`\n\n  done\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	for _, not := range []string{"ghost", "secret", "@COMMANDS@", "@CODES@", "--help"} {
		if strings.Contains(page, not) {
			t.Errorf("%s is in the page", not)
		}
	}
}
