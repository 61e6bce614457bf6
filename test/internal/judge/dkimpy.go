package judge

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os/exec"
)

//go:embed dkimpy.py
var script string

// DKIMPy is the verifier of Debian's python3-dkim: rsa-sha256 and ed25519-sha256.
func DKIMPy(msg []byte) ([]Verdict, error) {
	var stderr bytes.Buffer
	cmd := exec.Command("/usr/bin/python3", "-c", script) // not the first python3 of PATH: that one may lack Debian's modules
	cmd.Stdin, cmd.Stderr = bytes.NewReader(msg), &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("dkimpy: %w\n%s", err, &stderr)
	}
	var verdicts []Verdict
	if err := json.Unmarshal(out, &verdicts); err != nil {
		return nil, fmt.Errorf("dkimpy: %w in %q", err, out)
	}
	return verdicts, nil
}
