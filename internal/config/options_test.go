package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Every key that the file may have is documented once, and no other.
func TestOptions(t *testing.T) {
	tables, err := readOptions(optionsText)
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]int{}
	for _, table := range tables {
		documented["["+table.Name+"]"]++
		if table.Text == "" {
			t.Errorf("[%s]: no text", table.Name)
		}
		for _, o := range table.Options {
			documented[join(table.Name, o.Key)]++
			if o.Text == "" || o.Type == "" {
				t.Errorf("%s.%s: no text, or no type", table.Name, o.Key)
			}
		}
		if table.Like != "" {
			for key := range fieldsOf(reflect.TypeFor[Actions]()) {
				documented[join(table.Name, key)]++
			}
		}
	}
	exist := map[string]bool{"[]": true}
	walkKeys("", reflect.TypeFor[Config](), exist)
	for key := range exist {
		if documented[key] == 0 {
			t.Errorf("%s is not documented: say in internal/config/options.toml what it is", key)
		}
	}
	for key, n := range documented {
		if n > 1 || !exist[key] {
			t.Errorf("%s is documented %d times, exists: %t", key, n, exist[key])
		}
	}
}

func walkKeys(path string, t reflect.Type, exist map[string]bool) {
	for key, field := range fieldsOf(t) {
		if field.Kind() == reflect.Slice {
			field = field.Elem()
		}
		if name := join(path, key); field.Kind() == reflect.Struct && field != reflect.TypeFor[Headers]() {
			exist["["+name+"]"] = true
			walkKeys(name, field, exist)
		} else {
			exist[name] = true
		}
	}
}

// What options.toml says of values is what the program holds to: those that it
// lists are taken and no others are, and so are its bounds.
func TestOptionValues(t *testing.T) {
	for _, table := range Options() {
		for _, o := range table.Options {
			taken, refused := o.samples()
			for _, value := range taken {
				if err := parsed(table, o, value); err != nil {
					t.Errorf("%s.%s = %s: %v", table.Name, o.Key, value, err)
				}
			}
			for _, value := range refused {
				if parsed(table, o, value) == nil {
					t.Errorf("%s.%s = %s is taken", table.Name, o.Key, value)
				}
			}
		}
	}
}

// samples are values of the file that have to be taken, and others.
func (o Option) samples() (taken, refused []string) {
	spelled := func(s string) string {
		if strings.HasPrefix(o.Type, "list") {
			return fmt.Sprintf("[%q]", s)
		}
		return fmt.Sprintf("%q", s)
	}
	for _, value := range o.Values {
		taken = append(taken, spelled(value))
	}
	if o.Values != nil {
		refused = append(refused, spelled("no-such-value"))
	}
	if o.Least != nil {
		taken, refused = append(taken, fmt.Sprint(*o.Least)), append(refused, fmt.Sprint(*o.Least-1))
	}
	if o.Most != nil {
		taken, refused = append(taken, fmt.Sprint(*o.Most)), append(refused, fmt.Sprint(*o.Most+1))
	}
	if o.Example != "" {
		taken = append(taken, o.Example)
	}
	return taken, refused
}

// parsed reads a file that has one option, and what its row or table cannot be
// without.
func parsed(table OptionTable, o Option, value string) error {
	head := map[bool]string{false: "[" + table.Name + "]\n", true: "[[" + table.Name + "]]\n"}[table.Rows]
	if table.Name == "" {
		head = ""
	}
	if table.Name == "verify.domain" && o.Key != "domain" {
		head += "domain = \"example.com\"\n"
	}
	if table.Name == "driver" {
		head += driverAround(o.Key, value)
	}
	_, err := Parse("postseal.toml", head+o.Key+" = "+value+"\n")
	return err
}

// driverAround is the rest of a [[driver]] row that has an option.
func driverAround(key, value string) string {
	kinds := map[string][]string{
		"rfc2136":  {`server = "127.0.0.1:53"`, `key_file = "/k"`, "credential", "key", "algorithm", "tcp"},
		"zonefile": {`path = "/z"`, "soa_file", "reload"},
		"exec":     {`command = ["/c"]`},
	}
	kind := "exec"
	for k, lines := range kinds {
		for _, line := range lines {
			if name, _, _ := strings.Cut(line, " "); name == key || key == "type" && strconv.Quote(k) == value {
				kind = k
			}
		}
	}
	out := ""
	for _, line := range append([]string{`name = "n"`, `type = "` + kind + `"`, `zones = ["example.com"]`}, kinds[kind]...) {
		if name, _, hasValue := strings.Cut(line, " "); hasValue && name != key {
			out += line + "\n"
		}
	}
	return out
}

// The default that is shown, put into a file, is the default.
func TestOptionDefaults(t *testing.T) {
	for _, table := range Options() {
		if table.Rows && table.Name != "listener" { // a row has no defaults of its own
			continue
		}
		for _, o := range table.Options {
			head := ""
			if table.Name != "" {
				head = "[" + table.Name + "]\n"
			}
			if table.Rows {
				head = "[[" + table.Name + "]]\n"
			}
			cfg, err := Parse("postseal.toml", head+o.Key+" = "+o.Default+"\n")
			if err != nil {
				t.Errorf("%s.%s = %s: %v", table.Name, o.Key, o.Default, err)
				continue
			}
			cfg.Path, cfg.lines = "", nil
			var got, want strings.Builder
			if err := cfg.Print(&got); err != nil {
				t.Fatal(err)
			}
			if err := Default().Print(&want); err != nil {
				t.Fatal(err)
			}
			if strings.ReplaceAll(got.String(), o.Key+" = []\n", "") != strings.ReplaceAll(want.String(), o.Key+" = []\n", "") {
				t.Errorf("%s.%s: %s is shown and not the default", table.Name, o.Key, o.Default)
			}
		}
	}
}

// A documentation that is wrong is an error: each of these was tried.
func TestOptionsAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		"[[table]]\nname = \"sing\"":                                       `no table "sing"`,
		"[[table]]\nname = \"sign.headers\"":                               `no table`,
		"[[table]]\nname = \"sign\"\n[[table.option]]\nkey = \"keytabel\"": `no option "keytabel"`,
		"[[table]]\nname = \"sign\"\ntxet = \"\"":                          `unknown key`,
		"[[table]": `table`,
	} {
		if _, err := readOptions(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestShortDuration(t *testing.T) {
	spans := map[time.Duration]string{
		0: "", 10 * time.Second: "10s", 5 * time.Minute: "5m", 7210 * time.Second: "2h0m10s", time.Hour: "1h",
		70 * time.Minute: "1h10m", 168 * time.Hour: "7d", 90 * time.Second: "1m30s",
	}
	for _, span := range slices.Sorted(maps.Keys(spans)) {
		got := Duration(span).short()
		var back Duration
		if err := back.UnmarshalText([]byte(got)); got != spans[span] || err != nil || back != Duration(span) {
			t.Errorf("%v is %q, read as %v (%v)", span, got, time.Duration(back), err)
		}
	}
}
