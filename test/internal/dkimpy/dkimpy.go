// Package dkimpy signs with Debian's python3-dkim.
package dkimpy

import (
	"bytes"
	"fmt"
	"os/exec"
)

const script = `
import sys, dkim
domain, selector, key = (a.encode() for a in sys.argv[1:])
message = sys.stdin.buffer.read()
sys.stdout.buffer.write(dkim.sign(message, selector, domain, open(key, "rb").read(), canonicalize=(b"relaxed", b"relaxed")) + message)
`

// Sign returns msg, which has CRLF lines, with a signature above it.
func Sign(msg []byte, domain, selector, keyFile string) ([]byte, error) {
	var stderr bytes.Buffer
	cmd := exec.Command("/usr/bin/python3", "-c", script, domain, selector, keyFile) // Debian's, which has its modules
	cmd.Stdin, cmd.Stderr = bytes.NewReader(msg), &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("dkimpy: %w\n%s", err, &stderr)
	}
	return out, nil
}
