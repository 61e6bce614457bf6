package sqlstore

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// The types of this file stand for a field of a row: database/sql reads a column into the field through Scan and takes the
// field's value for a column by Value. Both engines see only int64, string and []byte.

// text is a string. What came from DNS may be no UTF-8 or hold a NUL, which PostgreSQL refuses; it must not cost the transaction.
type text[S ~string] struct{ field *S }

func (c text[S]) Value() (driver.Value, error) {
	s := string(*c.field)
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", string(utf8.RuneError))
	}
	return strings.ToValidUTF8(s, string(utf8.RuneError)), nil
}

func (c text[S]) Scan(v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("%T where text belongs", v)
	}
	*c.field = S(s)
	return nil
}

// whole is an integer.
type whole[I ~int | ~int64] struct{ field *I }

func (c whole[I]) Value() (driver.Value, error) { return int64(*c.field), nil }

func (c whole[I]) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("%T where an integer belongs", v)
	}
	*c.field = I(n)
	return nil
}

// flag is 0 or 1.
type flag struct{ field *bool }

func (c flag) Value() (driver.Value, error) {
	if *c.field {
		return int64(1), nil
	}
	return int64(0), nil
}

func (c flag) Scan(v any) error {
	var n int64
	err := whole[int64]{&n}.Scan(v)
	*c.field = n != 0
	return err
}

// instant is a time in microseconds since 1970; 0 is the zero time.
type instant struct{ field *time.Time }

func (c instant) Value() (driver.Value, error) { return micros(*c.field), nil }

func (c instant) Scan(v any) error {
	var n int64
	if err := (whole[int64]{&n}).Scan(v); err != nil {
		return err
	}
	*c.field = time.Time{}
	if n != 0 {
		*c.field = time.UnixMicro(n).UTC()
	}
	return nil
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// span is a duration in microseconds.
type span struct{ field *time.Duration }

func (c span) Value() (driver.Value, error) { return c.field.Microseconds(), nil }

func (c span) Scan(v any) error {
	var n int64
	err := whole[int64]{&n}.Scan(v)
	*c.field = time.Duration(n) * time.Microsecond
	return err
}

// octets are bytes; none and nil are the same.
type octets struct{ field *[]byte }

func (c octets) Value() (driver.Value, error) {
	if *c.field == nil {
		return []byte{}, nil
	}
	return *c.field, nil
}

func (c octets) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok && v != nil { // modernc's reading of an empty BLOB
		return fmt.Errorf("%T where octets belong", v)
	}
	*c.field = append([]byte(nil), b...)
	return nil
}

// list is a slice, in JSON; an empty one and nil are the same.
type list[E any] struct{ field *[]E }

func (c list[E]) Value() (driver.Value, error) {
	if len(*c.field) == 0 {
		return "", nil
	}
	b, err := json.Marshal(*c.field)
	return string(b), err
}

func (c list[E]) Scan(v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("%T where a list belongs", v)
	}
	*c.field = nil
	if s == "" {
		return nil
	}
	return json.Unmarshal([]byte(s), c.field)
}
