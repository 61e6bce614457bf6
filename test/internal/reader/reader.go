// Package reader reads Authentication-Results as somebody else's program does: Debian's python3-authres.
package reader

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os/exec"
)

// Field is one Authentication-Results field.
type Field struct {
	Text    string   `json:"text"`  // the value, unfolded
	Error   string   `json:"error"` // why it could not be read, if so; nothing else is there then
	ID      string   `json:"id"`    // authserv-id
	Results []Result `json:"results"`
}

// Result is one result of a field. Comments stand in Field.Text alone: authres skips them.
type Result struct {
	Method     string            `json:"method"`
	Result     string            `json:"result"`
	Reason     string            `json:"reason"`
	Properties map[string]string `json:"properties"` // by "header.d"
}

//go:embed script.py
var script string

// Read returns the Authentication-Results fields of msg, top to bottom.
func Read(msg []byte) ([]Field, error) {
	var stderr bytes.Buffer
	cmd := exec.Command("/usr/bin/python3", "-I", "-c", script) // Debian's, which has its modules
	cmd.Stdin, cmd.Stderr = bytes.NewReader(msg), &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("authres: %w\n%s", err, &stderr)
	}
	var fields []Field
	if err := json.Unmarshal(out, &fields); err != nil {
		return nil, fmt.Errorf("authres: %w in %q", err, out)
	}
	return fields, nil
}
