package config

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// checker compares the generic form of a file with the Config struct, collects
// every unknown key and every value of a wrong type, where the library would stop at
// the first, and takes them out, so that the rest can be judged too.
type checker struct {
	cfg      *Config
	problems Problems
}

func (c *checker) report(key, hint, format string, args ...any) {
	c.problems = append(c.problems, c.cfg.Problem(key, hint, format, args...))
}

// table checks one TOML table against a struct type.
func (c *checker) table(path string, values map[string]any, t reflect.Type) {
	fields := fieldsOf(t)
	for name, value := range values {
		key := join(path, name)
		field, known := fields[name]
		before := len(c.problems)
		if known {
			c.value(key, value, field)
		} else {
			c.report(key, suggestion(name, fields), "unknown key")
		}
		if len(c.problems) > before && !(known && isTable(value, field)) {
			delete(values, name)
		}
	}
}

// isTable tells a value that has keys of its own, and should have: those that are
// wrong are taken out of it one by one.
func isTable(value any, t reflect.Type) bool {
	switch value.(type) {
	case map[string]any:
		return t.Kind() == reflect.Struct && t != reflect.TypeFor[Headers]()
	case []map[string]any:
		return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct
	}
	return false
}

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// value checks one value against the type of its field.
func (c *checker) value(key string, value any, t reflect.Type) {
	switch {
	case t == reflect.TypeFor[Headers]():
		if err := new(Headers).UnmarshalTOML(value); err != nil {
			c.report(key, "", "%v", err)
		}
	case reflect.PointerTo(t).Implements(textUnmarshaler):
		text, ok := value.(string)
		if !ok {
			c.report(key, "", "expected a string, got %s", kindOf(value))
			return
		}
		target := reflect.New(t).Interface().(encoding.TextUnmarshaler)
		if err := target.UnmarshalText([]byte(text)); err != nil {
			c.report(key, "", "%v", err)
		}
	case t.Kind() == reflect.Struct:
		if table, ok := value.(map[string]any); ok {
			c.table(key, table, t)
		} else {
			c.report(key, fmt.Sprintf("write [%s]", key), "expected a table, got %s", kindOf(value))
		}
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		rows, ok := value.([]map[string]any)
		if !ok {
			c.report(key, fmt.Sprintf("write [[%s]]", key), "expected rows, got %s", kindOf(value))
		}
		for i, row := range rows {
			c.table(fmt.Sprintf("%s[%d]", key, i), row, t.Elem())
		}
	default:
		c.scalar(key, value, t)
	}
}

func (c *checker) scalar(key string, value any, t reflect.Type) {
	ok := false
	switch t.Kind() {
	case reflect.String:
		_, ok = value.(string)
	case reflect.Bool:
		_, ok = value.(bool)
	case reflect.Int64:
		_, ok = value.(int64)
	case reflect.Slice: // of strings
		list, isList := value.([]any)
		ok = isList && !slices.ContainsFunc(list, func(e any) bool { _, s := e.(string); return !s })
	}
	if !ok {
		c.report(key, "", "expected %s, got %s", wanted(t), kindOf(value))
	}
}

// fieldsOf lists a struct's keys with their types.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := make(map[string]reflect.Type, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			maps.Copy(fields, fieldsOf(f.Type))
		}
		if tag := f.Tag.Get("toml"); tag != "" && tag != "-" {
			fields[tag] = f.Type
		}
	}
	return fields
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "a list of strings"
	}
	return "a string"
}

func kindOf(value any) string {
	switch value.(type) {
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int64:
		return "a number"
	case float64:
		return "a number with a fraction"
	case []any, []map[string]any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return fmt.Sprintf("%T", value)
}

// suggestion finds the known name that a typing mistake was most likely for.
func suggestion(name string, fields map[string]reflect.Type) string {
	best, distance := "", max(3, 1+len(name)/3)
	for known := range fields {
		d := editDistance(strings.ToLower(name), known)
		if d < distance || d == distance && best != "" && known < best {
			best, distance = known, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// editDistance is Levenshtein's, over bytes: option names are ASCII.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
