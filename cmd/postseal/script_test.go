package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts run the program as a process of its own: this test binary plays
// postseal when it is called by that name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"postseal": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TMPDIR", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"append": appendFile,
			"exits":  exits,
			"crlf":   crlf,
			"dns":    startDNS,
			"mode":   mode,
			"record": record,
		},
	})
}

// exits CODE PROGRAM ARGS… runs a program that must end with that exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, args := args[0], args[1:]
	err := ts.Exec(args[0], args[1:]...)
	if got := exitCode(err); got != want {
		ts.Fatalf("%v: exit code %s, want %s", args, got, want)
	}
}

// crlf FILE… gives files CRLF line ends.
func crlf(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := ts.ReadFile(name)
		var out []byte
		for i := range len(text) {
			if text[i] == '\n' {
				out = append(out, '\r')
			}
			out = append(out, text[i])
		}
		ts.Check(os.WriteFile(ts.MkAbs(name), out, 0o600))
	}
}

// append FILE OTHER adds another file's content to a file.
func appendFile(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0]) + ts.ReadFile(args[1])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// mode OCTAL FILE checks a file's permissions.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := modeText(info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}

// record OUTPUT FILE turns what keygen printed into a file of static records.
func record(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	name, value := lines[len(lines)-2], lines[len(lines)-1]
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(name+" "+value+"\n"), 0o600))
}

func exitCode(err error) string {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "0"
	case errors.As(err, &exit):
		return strconv.Itoa(exit.ExitCode())
	}
	return err.Error()
}

func modeText(m fs.FileMode) string { return fmt.Sprintf("%04o", m) }
