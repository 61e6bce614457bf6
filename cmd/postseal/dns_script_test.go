package main

import (
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/postseal/postseal/internal/dns/dnstest"
)

// startDNS serves the lines of a file, "NAME TEXT", as TXT records until the
// script ends, and writes a configuration that asks this server:
//
//	dns RECORDS CONFIG
func startDNS(ts *testscript.TestScript, _ bool, args []string) {
	server, err := dnstest.Listen()
	ts.Check(err)
	ts.Defer(server.Close)
	texts := map[string][]string{}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		texts[name] = append(texts[name], text)
	}
	for name, list := range texts {
		server.SetTXT(name, list...)
	}
	config := ts.ReadFile(args[1]) + "[dns]\nnameservers = [\"" + server.Addr + "\"]\n[check]\nvia = \"resolver\"\n"
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(config), 0o600))
}
