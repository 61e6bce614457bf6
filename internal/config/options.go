package config

import (
	_ "embed"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/BurntSushi/toml"
)

// OptionTable documents one table of postseal.toml.
type OptionTable struct {
	Name    string   // "sign", "verify.domain"; "" is the top of the file
	Rows    bool     // [[name]]
	Like    string   // the table whose options it has too, with no default of its own
	Restart bool     // a reload changes nothing of it
	Text    string   // Markdown
	Options []Option `toml:"option"`
}

// Option documents one key of a table.
type Option struct {
	Key     string
	Text    string   // Markdown
	Values  []string // all that is allowed; nil: see Text
	Least   *int64   // of a number; nil: none
	Most    *int64
	Restart bool   // a reload does not change it
	Example string // as the file has it

	Type    string // "text", "list of texts", "number", …
	Default string // as the file would have it, from Default
}

//go:embed options.toml
var optionsText string

// Options documents every key of postseal.toml, in the order of the file. Types
// and defaults are those of the code.
var Options = sync.OnceValue(func() []OptionTable {
	tables, err := readOptions(optionsText)
	if err != nil {
		panic("options.toml: " + err.Error()) // TestOptions reads the same text
	}
	return tables
})

func readOptions(text string) ([]OptionTable, error) {
	var file struct {
		Tables []OptionTable `toml:"table"`
	}
	meta, err := toml.Decode(text, &file)
	if err != nil {
		return nil, err
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, fmt.Errorf("unknown key %s", unknown[0])
	}
	for i := range file.Tables {
		if err := file.Tables[i].complete(); err != nil {
			return nil, err
		}
	}
	return file.Tables, nil
}

// complete adds what the code knows.
func (t *OptionTable) complete() error {
	value, rows, ok := tableValue(t.Name)
	if !ok {
		return fmt.Errorf("there is no table %q", t.Name)
	}
	t.Rows, t.Text = rows, strings.TrimSpace(t.Text)
	for i := range t.Options {
		o := &t.Options[i]
		field, ok := fieldValue(value, o.Key)
		if !ok {
			return fmt.Errorf("table %q has no option %q", t.Name, o.Key)
		}
		o.Type, o.Default, o.Text = typeName(field.Type()), spell(field), strings.TrimSpace(o.Text)
		o.Restart = o.Restart || t.Restart
	}
	return nil
}

// tableValue finds the part of Default that a table is read into; of rows, what
// a row starts from.
func tableValue(name string) (value reflect.Value, rows, ok bool) {
	value = reflect.ValueOf(Default()).Elem()
	if name == "" {
		return value, false, true
	}
	for part := range strings.SplitSeq(name, ".") {
		if value, ok = fieldValue(value, part); !ok {
			return value, rows, false
		}
		if value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Struct {
			rows = true
			row := reflect.New(value.Type().Elem()).Elem()
			switch {
			case value.Len() > 0:
				row = value.Index(0)
			case row.Type() == reflect.TypeFor[User]():
				row = reflect.ValueOf(DefaultUser())
			case row.Type() == reflect.TypeFor[Driver]():
				row = reflect.ValueOf(DefaultDriver())
			}
			value = row
		}
	}
	return value, rows, value.Kind() == reflect.Struct && value.Type() != reflect.TypeFor[Headers]()
}

// fieldValue finds the field of a key, in embedded structs too.
func fieldValue(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			if inner, ok := fieldValue(v.Field(i), key); ok {
				return inner, true
			}
		}
		if f.Tag.Get("toml") == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[Duration]():
		return "time span"
	case t == reflect.TypeFor[Headers]():
		return "text or list of texts"
	case t.Kind() == reflect.Slice:
		return "list of texts"
	}
	return map[reflect.Kind]string{reflect.String: "text", reflect.Bool: "true or false", reflect.Int64: "number"}[t.Kind()]
}

// spell writes a value as the file would have it.
func spell(v reflect.Value) string {
	switch v := v.Interface().(type) {
	case Duration:
		return strconv.Quote(v.short())
	case Headers:
		text, _ := v.MarshalTOML() // never fails
		return string(text)
	case []string:
		text, _ := Headers{Names: v}.MarshalTOML()
		return string(text)
	case string:
		return strconv.Quote(v)
	}
	return fmt.Sprint(v.Interface())
}

// short is the spelling that a person would choose: "7d" for 168h0m0s.
func (d Duration) short() string {
	const day = 24 * time.Hour
	switch span := time.Duration(d); {
	case span == 0:
		return ""
	case span%day == 0:
		return strconv.Itoa(int(span/day)) + "d"
	default:
		text := span.String()
		for _, zero := range []struct{ after, unit string }{{"m", "0s"}, {"h", "0m"}} {
			if strings.HasSuffix(text, zero.after+zero.unit) {
				text = strings.TrimSuffix(text, zero.unit)
			}
		}
		return text
	}
}
