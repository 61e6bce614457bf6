package requirements

import (
	"fmt"
	"strings"
)

// Page is docs/requirements.md.
func Page(all []Requirement, proofs []Proof) string {
	by := map[string][]Proof{}
	for _, p := range proofs {
		by[p.Number] = append(by[p.Number], p)
	}
	var b strings.Builder
	b.WriteString(`# What the mission asks for, and what proves it

Made from the tests and from internal/requirements/requirements.toml:
` + "`go test ./internal/requirements -run Documentation -update`" + `.

Five systems do for their customers what postseal does for its users; what each of them
tells its users is taken apart into numbered lines. A line is proven by a test that goes
red when the behaviour is taken away, and whose name is the number:
` + "`go test ./internal/domains -run 'TestRequirement/INF-17'`" + `. Tests below test/ have real
parts and need root (see [test/README.md](../test/README.md)).

`)
	b.WriteString(summary(all, by))
	for _, s := range Sources {
		fmt.Fprintf(&b, "\n## %s\n\n| line | kind | what | proven by | open |\n|---|---|---|---|---|\n", s.Title)
		for _, r := range all {
			if strings.HasPrefix(r.Number, s.Prefix+"-") {
				fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.Number, kindWords(r.Kind), r.Words, proven(by[r.Number]), r.Open)
			}
		}
	}
	return b.String()
}

// summary counts.
func summary(all []Requirement, by map[string][]Proof) string {
	var partly, open []string
	whole := 0
	for _, r := range all {
		switch {
		case len(by[r.Number]) == 0:
			open = append(open, r.Number)
		case r.Open != "":
			partly = append(partly, r.Number)
		default:
			whole++
		}
	}
	text := fmt.Sprintf("Of %d lines %d are proven, %d more in part, %d are open.\n", len(all), whole, len(partly), len(open))
	if len(open) > 0 {
		text += "\nOpen: " + strings.Join(open, ", ") + ".\n"
	}
	if len(partly) > 0 {
		text += "\nIn part: " + strings.Join(partly, ", ") + ".\n"
	}
	return text
}

func kindWords(letters string) string {
	var words []string
	for letter := range strings.SplitSeq(letters, ", ") {
		words = append(words, Kinds[letter])
	}
	return strings.Join(words, ", ")
}

func proven(proofs []Proof) string {
	var cells []string
	for _, p := range proofs {
		cells = append(cells, fmt.Sprintf("%s `%s`", p.Package, p.Test))
	}
	if cells == nil {
		return "nothing"
	}
	return strings.Join(cells, "<br>")
}
