package drivers

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// program is an Exec whose program keeps what it was asked and answers with texts.
func program(t *testing.T, plan, apply string) (*Exec, func() string) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "plan"), plan)
	write(t, filepath.Join(dir, "apply"), apply)
	d := &Exec{Command: script(t, "cat >"+dir+"/asked-$POSTSEAL_ACTION; cat "+dir+"/$POSTSEAL_ACTION")}
	return d, func() string {
		asked, _ := os.ReadFile(filepath.Join(dir, "asked-apply"))
		return string(asked)
	}
}

func TestExecProtocol(t *testing.T) {
	standing := `{"records": [
		{"name": "S2._domainkey.example.com.", "type": "txt", "value": "old", "ttl": 60},
		{"name": "s3._domainkey.example.com", "type": "TXT", "value": "theirs"},
		{"name": "s4._domainkey.example.com", "type": "CNAME", "value": "Target.example.net."}]}`
	at := func(selector, kind, value string, ours ...string) domains.DNSChange {
		c := change(value, ours...)
		c.Name, c.Type = selector+"._domainkey.example.com", kind
		return c
	}
	changes := []domains.DNSChange{
		at("s1", "TXT", "one"), at("s2", "TXT", "two", "old"), at("s3", "TXT", "three"), at("s4", "CNAME", "target.example.net"), at("s5", "TXT", "", "gone"),
	}
	d, asked := program(t, standing, "")
	apply(t, d, "add replace foreign same same", changes...)
	var order Order
	if err := json.Unmarshal([]byte(asked()), &order); err != nil {
		t.Fatal(err)
	}
	if order.Version != 1 || order.Action != "apply" || order.Zone != zone || len(order.Changes) != 2 {
		t.Fatalf("%+v", order)
	}
	if c := order.Changes[1]; c.Do != "replace" || c.Value != "two" || len(c.Was) != 1 || c.Was[0].Value != "old" {
		t.Errorf("%+v", c)
	}
	if c := order.Changes[0]; c.Do != "add" || c.Was == nil || len(c.Was) != 0 {
		t.Errorf("%+v", c)
	}
}

func TestExecAnswers(t *testing.T) {
	for _, test := range []struct{ name, plan, apply, want string }{
		{"done without a word", `{"records": []}`, "", "add"},
		{"done", `{"records": []}`, `{"results": [{"name": "` + leaf + `.", "type": "txt", "done": true}]}`, "add"},
		{"not done", `{"records": []}`, `{"results": [{"name": "` + leaf + `", "type": "TXT", "error": "quota"}]}`, `not done: "quota"`},
		{"somebody was faster", `{"records": []}`, `{"results": [{"name": "` + leaf + `", "type": "TXT", "foreign": true}]}`, "foreign"},
		{"silent about it", `{"records": []}`, `{"results": []}`, "says nothing of " + leaf},
		{"no JSON", `{"records": []}`, "ok", "is no JSON of this kind"},
		{"more than JSON", `{"records": []} {}`, "", "something follows the JSON"},
		{"no records", `{}`, "", `has no "records"`},
		{"a relative name", `{"records": [{"name": "s1._domainkey", "type": "TXT", "value": "theirs"}]}`, "", "names have to be whole"},
		{"no plan", ``, "", "is no JSON of this kind"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, asked := program(t, test.plan, test.apply)
			apply(t, d, test.want, change("one"))
			if strings.HasPrefix(test.name, "no plan") && asked() != "" {
				t.Error("it was ordered all the same")
			}
		})
	}
}

func TestExecFaults(t *testing.T) {
	apply(t, &Exec{Command: script(t, "echo the API is down >&2; exit 7")}, "exit status 7: the API is down", change("one"))
	apply(t, &Exec{Command: script(t, "exit 7")}, "it said nothing", change("one"))
	apply(t, &Exec{Command: script(t, "sleep 1000"), Timeout: 50 * time.Millisecond}, "no end within 50ms", change("one"))
	apply(t, &Exec{Command: script(t, "yes | head -c 5000000")}, "longer than", change("one"))
	apply(t, &Exec{Command: []string{"/nonexistent/api"}}, "/nonexistent/api", change("one"))
	d := &Exec{Command: script(t, `test $POSTSEAL_ACTION = apply && exit 1; echo '{"records": []}'`)}
	if out := apply(t, d, "exit status 1", change("one")); !out[0].Touched {
		t.Error("what was ordered may have been done, and that is not said")
	}
}

func FuzzExecAnswers(f *testing.F) {
	f.Add(`{"records": [{"name": "s1._domainkey.example.com.", "type": "TXT", "value": "one", "ttl": 1}]}`)
	f.Add(`{"results": [{"name": "s1._domainkey.example.com", "type": "TXT", "done": true}]}`)
	f.Add(`{"results": [{"name": "s1._domainkey.example.com", "type": "TXT", "foreign": true, "error": "x"}]}`)
	f.Add(`{"records": [{"name": "0.."}]}`)
	f.Fuzz(func(t *testing.T, reply string) {
		changes := []domains.DNSChange{change("one")}
		if found, err := parseFound([]byte(reply), zone); err == nil {
			for name := range found {
				if name != plain(name) || !strings.HasSuffix("."+name, "."+zone) {
					t.Errorf("name %q", name)
				}
			}
		}
		out := make([]domains.DNSOutcome, 1)
		err := parseDone([]byte(reply), changes, []int{0}, out)
		done := err == nil && out[0].Err == nil && out[0].Verdict != domains.DNSForeign
		if done && strings.TrimSpace(reply) != "" && !strings.Contains(strings.ToLower(reply), "true") {
			t.Errorf("%q is taken for done", reply)
		}
	})
}
