package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/postseal/postseal/internal/domains"
)

// confirmed runs a verb that somebody may have to agree to. Its warning is printed
// in any case; on a terminal the question is asked, elsewhere --yes has to be
// there.
func (m *managing) confirmed(yes bool, verb func(yes bool) error) error {
	err := verb(false)
	var u *domains.Unconfirmed
	if !errors.As(err, &u) {
		return err
	}
	if !yes && !isTerminal(m.in) {
		return err
	}
	fmt.Fprintf(m.err, "postseal: warning: %s [%s]\n", u.Warning, u.Rule)
	if !yes && !m.ask("Do it all the same? [y/N] ") {
		return &exitError{exitRefused, errors.New("not done")}
	}
	return verb(true)
}

// ask puts a question to a terminal.
func (m *managing) ask(question string) bool {
	fmt.Fprint(m.err, question)
	answer, _ := bufio.NewReader(m.in).ReadString('\n') // no answer is a no
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	}
	return false
}

func isTerminal(file any) bool {
	f, ok := file.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// unconfirmed refuses what nobody has agreed to yet.
func unconfirmed(rule, warning string) error {
	return &domains.Unconfirmed{Rule: rule, Warning: warning}
}
