package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a time span in the file: Go's spelling ("90s", "1h30m") or whole
// days and weeks ("14d", "2w"). The empty string is zero.
type Duration time.Duration

// UnmarshalText reads the file's spelling.
func (d *Duration) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "" {
		*d = 0
		return nil
	}
	unit := map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[s[len(s)-1]]
	if unit != 0 {
		n, err := strconv.Atoi(s[:len(s)-1])
		if err != nil || n < 0 || n > 3650 {
			return fmt.Errorf("%q is not a time span; write it as 90s, 15m, 2h, 14d or 2w", s)
		}
		*d = Duration(time.Duration(n) * unit)
		return nil
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return fmt.Errorf("%q is not a time span; write it as 90s, 15m, 2h, 14d or 2w", s)
	}
	*d = Duration(v)
	return nil
}

// MarshalText is the inverse of UnmarshalText.
func (d Duration) MarshalText() ([]byte, error) {
	if d == 0 {
		return []byte{}, nil
	}
	return []byte(time.Duration(d).String()), nil
}

// Headers says which header fields to sign: a preset, which the file writes as a
// plain string, or a list of names.
type Headers struct {
	Preset string
	Names  []string // when Preset is empty
}

// UnmarshalTOML takes a string (a preset) or an array of strings.
func (h *Headers) UnmarshalTOML(v any) error {
	switch v := v.(type) {
	case string:
		*h = Headers{Preset: v}
		return nil
	case []any:
		*h = Headers{Names: []string{}}
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return fmt.Errorf("a list of header names holds %v", e)
			}
			h.Names = append(h.Names, s)
		}
		return nil
	}
	return fmt.Errorf("expected a preset's name or a list of header names")
}

// MarshalTOML is the inverse of UnmarshalTOML.
func (h Headers) MarshalTOML() ([]byte, error) {
	if h.Preset != "" {
		return []byte(strconv.Quote(h.Preset)), nil
	}
	quoted := make([]string, len(h.Names))
	for i, name := range h.Names {
		quoted[i] = strconv.Quote(name)
	}
	return []byte("[" + strings.Join(quoted, ", ") + "]"), nil
}
