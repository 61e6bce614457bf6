package dns

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	wire "github.com/miekg/dns"
)

func TestNextServer(t *testing.T) {
	for name, bad := range map[string]handler{
		"SERVFAIL":              rcode(wire.RcodeServerFailure),
		"REFUSED":               rcode(wire.RcodeRefused),
		"silence":               silent,
		"truncated without TCP": onlyUDP(truncated),
		"garbage":               func(w wire.ResponseWriter, _ *wire.Msg) { w.Write([]byte("garbage, garbage, garbage")) },
	} {
		t.Run("DN-1 "+name, func(t *testing.T) {
			t.Parallel()
			first, second := newServer(t, bad), newServer(t, zone(t, key+". 60 TXT x"))
			got, err := resolver(t, Config{}, first, second).LookupTXT(t.Context(), key)
			if err != nil || got.Server != second.addr || len(first.questions()) == 0 {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

// Only the first message waits for a dead server.
func TestDeadServer(t *testing.T) {
	t.Parallel()
	first, second := newServer(t, silent), newServer(t, zone(t, key+". 60 TXT x"))
	r := resolver(t, Config{CacheSize: -1, Timeout: 3 * time.Second}, first, second)
	for range 3 {
		if got, err := r.LookupTXT(t.Context(), key); err != nil || got.Server != second.addr {
			t.Errorf("got %v, %v", got, err)
		}
	}
	if n := len(first.questions()); n != 1 {
		t.Errorf("the dead server was asked %d times", n)
	}
}

// A server that fails is asked last for a while, unless it says SERVFAIL, which is mostly the zone's failure.
func TestRest(t *testing.T) {
	clock := time.Unix(1e9, 0)
	s, err := newServers(Config{Servers: []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}, Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	check := func(want string) {
		t.Helper()
		if got := strings.Join(s.order(), " "); got != strings.ReplaceAll(want, ",", " ") {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	check("192.0.2.1:53,192.0.2.2:53,192.0.2.3:53")
	s.fail("192.0.2.1:53", RcodeError("SERVFAIL"))
	s.fail("192.0.2.2:53", RcodeError("REFUSED"))
	check("192.0.2.1:53,192.0.2.3:53,192.0.2.2:53")
	clock = clock.Add(restTime - 1)
	s.fail("192.0.2.1:53", &timeoutError{})
	check("192.0.2.3:53,192.0.2.1:53,192.0.2.2:53")
	clock = clock.Add(1)
	check("192.0.2.2:53,192.0.2.3:53,192.0.2.1:53")
	s.succeed("192.0.2.1:53")
	check("192.0.2.1:53,192.0.2.2:53,192.0.2.3:53")
}

func TestServerAddress(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.53":           "127.0.0.53:53",
		"192.0.2.1:5353":       "192.0.2.1:5353",
		"2001:db8::1":          "[2001:db8::1]:53",
		"[2001:db8::1]":        "[2001:db8::1]:53",
		"[2001:DB8::1]:5353":   "[2001:db8::1]:5353",
		"fe80::1%eth0":         "[fe80::1%eth0]:53",
		"[fe80::1%eth0]:53":    "[fe80::1%eth0]:53",
		"dns.example.net":      "",
		"dns.example.net:53":   "",
		"":                     "",
		":53":                  "",
		"192.0.2.1:0":          "",
		"192.0.2.1:domain":     "",
		"192.0.2.1:65536":      "",
		"udp://192.0.2.1:5353": "",
	} {
		t.Run("DN-6 "+text, func(t *testing.T) {
			got, err := serverAddress(text)
			if got != want || (err != nil) != (want == "") || err != nil && !strings.Contains(err.Error(), "name server") {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	for _, c := range []Config{{Servers: []string{"nobody"}}, {Servers: []string{"192.0.2.1"}, TrustAD: []string{"192.0.2.1:53"}}} {
		if r, err := New(c); err == nil {
			t.Errorf("%+v: got %v", c, r)
		}
	}
}

func TestResolvConf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	s, err := newServers(Config{ResolvConf: path, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.order(); !slices.Equal(got, ownHost) {
		t.Errorf("without a file: %v", got)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"one", "# c\nsearch example.net\nnameserver 192.0.2.1\n", "192.0.2.1:53"},
		{"more", "nameserver 192.0.2.2\nnameserver ::1\nnameserver nobody\nnameserver 192.0.2.2\noptions edns0\n", "192.0.2.2:53 [::1]:53"},
		{"none", "search example.org\n", "127.0.0.1:53"},
	} {
		t.Run("DN-6 "+tt.name, func(t *testing.T) {
			next := path + ".new"
			if err := os.WriteFile(next, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(next, path); err != nil { // a file of its own: its time may be the same
				t.Fatal(err)
			}
			if got := strings.Join(s.order(), " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	t.Run("gone", func(t *testing.T) {
		if err := os.WriteFile(path, []byte("nameserver 192.0.2.9"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.order()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(s.order(), " "); got != "192.0.2.9:53" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("unreadable", func(t *testing.T) {
		if _, err := New(Config{ResolvConf: t.TempDir()}); err == nil {
			t.Error("a directory is read")
		}
	})
}

func TestSecure(t *testing.T) {
	signed := func(h handler, is func(name string) bool) handler {
		return func(w wire.ResponseWriter, q *wire.Msg) { h(&setAD{w, is(q.Question[0].Name)}, q) }
	}
	always := func(string) bool { return true }
	first := func(name string) bool { return name == key+"." }
	last := func(name string) bool { return name != key+"." }
	delegated := []string{key + ". 60 CNAME a.example.", "a.example. 60 TXT x"}
	tests := []struct {
		name   string
		handle handler
		want   bool
	}{
		{"AD", signed(zone(t, key+". 60 TXT x"), always), true},
		{"no AD", zone(t, key+". 60 TXT x"), false},
		{"whole chain", signed(piecewise(zone(t, delegated...)), always), true},
		{"first half of a chain", signed(piecewise(zone(t, delegated...)), first), false},
		{"second half of a chain", signed(piecewise(zone(t, delegated...)), last), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := resolver(t, Config{}, newServer(t, tt.handle))
			for range 2 { // from the network, from the cache
				if got, err := r.LookupTXT(t.Context(), key); err != nil || got.Secure != tt.want {
					t.Errorf("got %+v, %v", got, err)
				}
			}
		})
	}
	t.Run("absence", func(t *testing.T) {
		_, err := resolver(t, Config{}, newServer(t, signed(zone(t), always))).LookupTXT(t.Context(), key)
		var e *NotFoundError
		if !errors.As(err, &e) || !e.Secure {
			t.Errorf("got %#v", err)
		}
	})
}

type setAD struct {
	wire.ResponseWriter
	ad bool
}

func (w *setAD) WriteMsg(reply *wire.Msg) error {
	reply.AuthenticatedData = w.ad
	return w.ResponseWriter.WriteMsg(reply)
}

func TestTrust(t *testing.T) {
	trusted, err := newTrust([]string{"192.0.2.0/24", "2001:db8::1", "198.51.100.7"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	want := map[string]bool{
		"127.0.0.1:53": true, "127.0.0.53:5353": true, "[::1]:53": true, "[::ffff:127.0.0.1]:53": true,
		"192.0.2.77:53": true, "[2001:db8::1]:53": true, "198.51.100.7:53": true,
		"192.0.3.1:53": false, "[2001:db8::2]:53": false, "198.51.100.8:53": false, "nobody:53": false,
	}
	for server := range want {
		got[server] = trusted.believes(server)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}
