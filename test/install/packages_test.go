package install

import (
	"fmt"
	"path/filepath"
	"runtime"
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
