package daemon

import (
	"bytes"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/filter"
	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/miltertest"
)

var update = flag.Bool("update", false, "write docs/situations.md anew")

// situations is testdata/situations.toml.
type situations struct {
	KeyTable     string      `toml:"keytable"`
	SigningTable string      `toml:"signingtable"`
	Situation    []situation `toml:"situation"`
}

type situation struct {
	Name       string           `toml:"name"`
	Mode       string           `toml:"mode"`
	Sign       string           `toml:"sign"`
	Users      []map[string]any `toml:"users"`
	Client     string           `toml:"client"`
	User       string           `toml:"user"`
	Daemon     string           `toml:"daemon"`
	Macros     []string         `toml:"macros"`
	Envelope   string           `toml:"envelope"`
	Recipients []string         `toml:"recipients"`
	From       string           `toml:"from"`
	Header     string           `toml:"header"`
	Want       string           `toml:"want"`
}

func loadSituations(t *testing.T) situations {
	t.Helper()
	var all situations
	meta, err := toml.DecodeFile("../../testdata/situations.toml", &all)
	if err != nil || len(meta.Undecoded()) > 0 {
		t.Fatalf("testdata/situations.toml: %v, unknown keys %v", err, meta.Undecoded())
	}
	return all
}

// TestSituations plays each situation to a running daemon over its socket and
// asks explain's code about it: both must say what the table says, and the
// signatures must be those of the keys that they name.
func TestSituations(t *testing.T) {
	all := loadSituations(t)
	dir := t.TempDir()
	writeKeys(t, dir)
	write(t, dir, "keytable", all.KeyTable)
	write(t, dir, "signingtable", all.SigningTable)
	for _, s := range all.Situation {
		t.Run(s.Name, func(t *testing.T) {
			cfg := s.config(t, dir)
			if got := s.play(t, cfg); got != s.Want {
				t.Errorf("the daemon: got %q, want %q", got, s.Want)
			}
			snapshot, err := Build(cfg, Given{})
			if err != nil {
				t.Fatal(err)
			}
			e, _ := filter.Explain(t.Context(), snapshot, *s.facts(t, cfg, snapshot), nil, time.Now())
			if got := words(e.Decision, string(e.Reason), strings.Join(e.Keys, ","), e.Deferred); got != s.Want {
				t.Errorf("explain: got %q, want %q\n%s", got, s.Want, strings.Join(e.Trail, "\n"))
			}
			if len(e.Trail) == 0 {
				t.Error("explain says nothing of how it came to that")
			}
		})
	}
}

// words is an outcome in the form of the table.
func words(decision, reason, keys string, deferred bool) string {
	w := []string{decision, reason}
	if keys != "" {
		w = append(w, strings.Split(keys, ",")...)
	}
	if deferred {
		w = append(w, "deferred")
	}
	return strings.Join(w, " ")
}

// config is the configuration file of the situation.
func (s *situation) config(t *testing.T, dir string) *config.Config {
	t.Helper()
	mode := s.Mode
	if mode == "" {
		mode = "both"
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "[[listener]]\naddress = \"inet:0@127.0.0.1\"\nmode = %q\n[log]\nformat = \"json\"\n", mode)
	fmt.Fprintf(&text, "[sign]\nkeytable = %q\nsigningtable = %q\n%s\n", filepath.Join(dir, "keytable"), "refile:"+filepath.Join(dir, "signingtable"), s.Sign)
	if err := toml.NewEncoder(&text).Encode(map[string]any{"user": s.Users}); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse("situation.toml", text.String())
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// play sends the message through a daemon and gives what its log line says.
func (s *situation) play(t *testing.T, cfg *config.Config) string {
	t.Helper()
	d := start(t, func() (*config.Config, error) { return cfg, nil })
	mta := d.dial(t)
	mta.Client = s.client(t)
	mta.Macros["{daemon_name}"] = s.Daemon
	if s.User != "" {
		mta.Macros["{auth_type}"], mta.Macros["{auth_authen}"] = "PLAIN", s.User
	}
	for i := 0; i+1 < len(s.Macros); i += 2 {
		mta.Macros[s.Macros[i]] = s.Macros[i+1]
	}
	envelope := s.Envelope
	if envelope == "" {
		envelope = "<sender@example.net>"
	}
	result, err := mta.Send(miltertest.Message{From: envelope, To: s.recipients(), Raw: []byte(s.header() + "\r\n\r\nHello\r\n")})
	if err != nil {
		t.Fatal(err)
	}
	line := d.messageLine(t)
	deferred := result.Reply.SMTP == 451
	if line.Deferred != deferred {
		t.Errorf("logged deferred=%v, answered %v", line.Deferred, result.Reply)
	}
	checkSignatures(t, line.Keys, result.Modifications)
	return words(line.Decision, line.Reason, line.Keys, deferred)
}

// checkSignatures compares the inserted fields with the keys of the log line,
// the first of which stands on top.
func checkSignatures(t *testing.T, keys string, mods []miltertest.Modification) {
	t.Helper()
	var made []string
	for _, m := range mods {
		if m.Name == "Authentication-Results" {
			continue // of incoming mail
		}
		if m.Kind != 'i' || m.Index != 0 || m.Name != "DKIM-Signature" {
			t.Errorf("unexpected modification %+v", m)
		}
		tags := map[string]string{}
		for part := range strings.SplitSeq(m.Value, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			tags[name] = value
		}
		made = append([]string{tags["d"] + "/" + tags["s"]}, made...)
	}
	if got := strings.Join(made, ","); got != keys {
		t.Errorf("signatures of %q, the log names %q", got, keys)
	}
}

func (s *situation) header() string {
	if s.Header != "" {
		return strings.ReplaceAll(s.Header, "\n", "\r\n")
	}
	return "From: " + s.From
}

func (s *situation) recipients() []string {
	if s.Recipients != nil {
		return s.Recipients
	}
	return []string{"<rcpt@example.net>"}
}

// client is the situation's client as an MTA reports it.
func (s *situation) client(t *testing.T) miltertest.Client {
	t.Helper()
	switch name, addr, named := strings.Cut(strings.TrimSuffix(s.Client, "]"), "["); {
	case s.Client == "":
		return miltertest.Client{Host: "localhost", Family: milter.FamilyIPv4, Port: 40000, Addr: "127.0.0.1"}
	case s.Client == "unknown":
		return miltertest.Client{Host: "unknown", Family: milter.FamilyUnknown}
	case named:
		return miltertest.Client{Host: name, Family: milter.FamilyIPv4, Port: 40000, Addr: addr}
	}
	return miltertest.Client{Host: "[" + s.Client + "]", Family: milter.FamilyIPv4, Port: 40000, Addr: s.Client}
}

// facts are those of the situation, by another way than the milter's.
func (s *situation) facts(t *testing.T, cfg *config.Config, snapshot *filter.Snapshot) *policy.Facts {
	t.Helper()
	fields, _, err := dkim.ParseFields([]byte(s.header() + "\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	f := &policy.Facts{User: s.User, Daemon: s.Daemon, Fields: fields}
	f.Mode, _ = policy.ParseMode(cfg.Listeners[0].Mode)
	if s.User != "" {
		f.AuthType = "PLAIN"
	}
	c := s.client(t)
	f.Client.Host = c.Host
	if c.Addr != "" {
		f.Client.Addr = netip.MustParseAddr(c.Addr)
	}
	f.Macro = func(name string) string {
		for i := 0; i+1 < len(s.Macros); i += 2 {
			if strings.Trim(s.Macros[i], "{}") == name {
				return s.Macros[i+1]
			}
		}
		return ""
	}
	for _, rcpt := range s.recipients() {
		if f.ExemptRecipient == "" && snapshot.DontSignTo(rcpt) {
			f.ExemptRecipient = rcpt
		}
	}
	return f
}

// writeKeys makes the keys that the table names.
func writeKeys(t *testing.T, dir string) {
	t.Helper()
	for name, algorithm := range map[string]dkim.Algorithm{
		"alpha-rsa.pem": dkim.RSASHA256, "alpha-ed.pem": dkim.Ed25519SHA256, "boss.pem": dkim.Ed25519SHA256,
		"beta.pem": dkim.Ed25519SHA256, "shared.pem": dkim.Ed25519SHA256, "relay.pem": dkim.Ed25519SHA256,
	} {
		writeKey(t, filepath.Join(dir, name), algorithm)
	}
}

// TestSituationsPage keeps docs/situations.md true to the table.
func TestSituationsPage(t *testing.T) {
	const page = "../../docs/situations.md"
	want := loadSituations(t).page()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil || string(have) != want {
		t.Errorf("%s is stale (%v): go test ./internal/daemon -run SituationsPage -update", page, err)
	}
}

func (all situations) page() string {
	var b strings.Builder
	b.WriteString("# Who is signed, by example\n\nMade from `testdata/situations.toml`, which the tests play to a running daemon;\n" +
		"`go test ./internal/daemon -run SituationsPage -update` makes it anew.\n\nAll of them have these tables:\n\n")
	fmt.Fprintf(&b, "```\n# keytable\n%s\n# signingtable (refile:)\n%s```\n\n", all.KeyTable, all.SigningTable)
	b.WriteString("A client that is not named is a program on this host.\n\n| situation | given | outcome |\n|---|---|---|\n")
	for _, s := range all.Situation {
		fmt.Fprintf(&b, "| %s | %s | `%s` |\n", s.Name, s.given(), s.Want)
	}
	return b.String()
}

// given lists what is special about a situation.
func (s *situation) given() string {
	var parts []string
	add := func(label, value string) {
		if value != "" {
			code := strings.ReplaceAll(strings.TrimSpace(label+" "+value), "|", `\|`)
			parts = append(parts, "`"+strings.ReplaceAll(code, "\n", "` `")+"`")
		}
	}
	add("mode =", s.Mode)
	add("", s.Sign)
	for _, u := range s.Users {
		row := "[[user]]"
		for _, key := range []string{"match", "domain", "selector", "domains", "reauth", "sign"} {
			if value, ok := u[key]; ok {
				row += fmt.Sprintf(" %s=%v", key, value)
			}
		}
		add("", row)
	}
	add("client", s.Client)
	add("user", s.User)
	add("daemon", s.Daemon)
	add("macro", strings.Join(s.Macros, "="))
	add("MAIL", s.Envelope)
	add("RCPT", strings.Join(s.Recipients, " "))
	add("", strings.TrimSpace(s.Header))
	if s.From != "" {
		add("From:", s.From)
	}
	return strings.Join(parts, "<br>")
}
