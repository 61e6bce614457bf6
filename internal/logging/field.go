package logging

import (
	"encoding/binary"
	"log/slog"
	"strings"
	"unicode/utf8"
)

const (
	fieldPrefix = "POSTSEAL_"
	// maxName is the longest field name that journald takes.
	maxName = 64
	// maxValue bounds what strangers can put into one field of the journal; a stack
	// trace, the longest that we write ourselves, is cut there too.
	maxValue = 32 << 10
)

// appendAttr encodes an attribute, those of a group each under the group's name.
func appendAttr(data []byte, group string, a slog.Attr) []byte {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "_"
		}
		for _, member := range value.Group() {
			data = appendAttr(data, group, member)
		}
		return data
	}
	if a.Equal(slog.Attr{}) {
		return data
	}
	return appendField(data, fieldName(group+a.Key), value.String())
}

// fieldName makes a name of the journal's alphabet.
func fieldName(key string) string {
	name := fieldPrefix + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
			return r
		}
		return '_'
	}, key)
	return name[:min(len(name), maxName)]
}

// appendField encodes a field as systemd's "Native Journal Protocol" says: NAME=VALUE,
// or with its length in front where the value has a line end, so that no value can
// pretend to be another field.
func appendField(data []byte, name, value string) []byte {
	value = bounded(value)
	data = append(data, name...)
	if strings.IndexByte(value, '\n') < 0 {
		data = append(data, '=')
	} else {
		data = append(data, '\n')
		data = binary.LittleEndian.AppendUint64(data, uint64(len(value)))
	}
	data = append(data, value...)
	return append(data, '\n')
}

// bounded cuts a long value at a character's end and says so.
func bounded(value string) string {
	const mark = "…"
	if len(value) <= maxValue {
		return value
	}
	end := maxValue - len(mark)
	for back := 0; back < utf8.UTFMax && !utf8.RuneStart(value[end]); back++ {
		end--
	}
	return value[:end] + mark
}
