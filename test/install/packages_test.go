package install

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
)

// packages are what make packages has built, for this machine's architecture and for the other one.
var packages struct {
	deb, rpm           string
	otherDeb, otherRPM string
}

// rpmArch is RPM's name of an architecture.
var rpmArch = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

func findPackages() error {
	native, other := runtime.GOARCH, "arm64"
	if native == other {
		other = "amd64"
	}
	for pattern, file := range map[string]*string{
		"postseal_*_" + native + ".deb":          &packages.deb,
		"postseal-*." + rpmArch[native] + ".rpm": &packages.rpm,
		"postseal_*_" + other + ".deb":           &packages.otherDeb,
		"postseal-*." + rpmArch[other] + ".rpm":  &packages.otherRPM,
	} {
		found, err := filepath.Glob("../../out/" + pattern)
		if err != nil || len(found) != 1 {
			return fmt.Errorf("out/ has %d files %s, want 1 (make packages builds them): %v", len(found), pattern, err)
		}
		*file = found[0]
	}
	return nil
}

// Pages that the manual, the help and the configuration call docs/NAME.md are in the packages.
func TestPagesThatAreNamed(t *testing.T) {
	t.Parallel()
	c := unbooted(t)
	dpkg(t, c, packages.deb)
	text := must(t, c, "sh", "-c", "zcat /usr/share/man/man?/postseal*; cat "+tomlFile).Stdout
	named := regexp.MustCompile(`docs/[a-z-]+\.md`).FindAllString(text, -1)
	if len(named) < 10 {
		t.Fatalf("only %d pages are named", len(named))
	}
	ofRPM := host(t, "rpm", "-qpl", packages.rpm)
	for _, page := range named {
		file := "/usr/share/doc/postseal/" + page
		if !there(c, file) {
			t.Errorf("the deb has no %s", file)
		}
		says(t, "the rpm", ofRPM, file+"\n")
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	is(t, "README.md", read(t, c, "/usr/share/doc/postseal/README.md"), string(readme))
}
