package dns

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"

	wire "github.com/miekg/dns"
)

// resolvConf is a resolv.conf(5) that is read again when it has changed.
type resolvConf struct {
	path string

	mu   sync.Mutex
	read fs.FileInfo // of the file when it was read; nil: there was none
	list []string
}

// ownHost is who is asked if nobody is named (resolv.conf(5)).
var ownHost = []string{"127.0.0.1:53"}

func readResolvConf(path string) (*resolvConf, error) {
	r := &resolvConf{path: path, list: ownHost}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = r.load(info)
	}
	if err != nil {
		return nil, fmt.Errorf("name servers: %w", err)
	}
	return r, nil
}

// servers returns those of the file; if it cannot be read, those that it last had.
func (r *resolvConf) servers() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if info, err := os.Stat(r.path); err == nil && !sameState(info, r.read) {
		_ = r.load(info) // tried again with the next question
	}
	return r.list
}

func sameState(a, b fs.FileInfo) bool {
	return b != nil && os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// load skips nameserver lines without an IP address, as the C library does.
func (r *resolvConf) load(info fs.FileInfo) error {
	text, err := os.ReadFile(r.path)
	if err != nil {
		return err
	}
	conf, err := wire.ClientConfigFromReader(bytes.NewReader(text))
	if err != nil {
		return err
	}
	var list []string
	for _, text := range conf.Servers {
		if server, err := serverAddress(text); err == nil && !slices.Contains(list, server) {
			list = append(list, server)
		}
	}
	if list == nil {
		list = ownHost
	}
	r.read, r.list = info, list
	return nil
}
