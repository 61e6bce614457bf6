package check

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/postseal/postseal/test/internal/child"
)

// startTiny serves the *.data files of the cases: tinydns has no objection to a CNAME beside other records.
func startTiny(dir string, cases []testCase) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	var data, zone string
	for _, c := range cases {
		if c.data != "" {
			data, zone = data+c.data, c.zone
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "data"), []byte(data), 0o644); err != nil {
		return err
	}
	compile := exec.Command("tinydns-data")
	compile.Dir = dir
	if out, err := compile.CombinedOutput(); err != nil {
		return fmt.Errorf("tinydns-data: %w: %s", err, out)
	}
	serve := exec.Command("tinydns")
	serve.Env = []string{"ROOT=" + dir, "IP=" + addresses["tiny"], "UID=65534", "GID=65534"}
	if _, err := child.Start(serve, filepath.Join(dir, "log")); err != nil {
		return err
	}
	return answersUDP(addresses["tiny"], zone) // about other zones it says nothing
}
