package milter

import "bytes"

// maxMacroBytes bounds one macro packet. Both MTAs hold their own packets under 64 KiB; a connection keeps up to one packet per stage.
const maxMacroBytes = 64 << 10

// keptMacroBytes is how much memory a stage without macros may go on holding: a usual packet has 20 to 300 bytes.
const keptMacroBytes = 4 << 10

// macroOrder has the commands that macros are sent for, earliest first: a later one's value wins.
const macroOrder = "CHMRTLNBE"

const firstOfMessage = 2 // in macroOrder

// macros holds the macro packets of a connection, one for each command, as they came: NUL-terminated names and values, by turns. They are parsed when a macro is asked
// for, since Postfix sends one before every header field and every chunk of the body.
type macros struct {
	stage   [len(macroOrder)][]byte
	unknown []byte // of an Unknown command, while that is handled
	next    bool   // the macros of MAIL are those of a message that has not begun
}

// set keeps the macros of a command. An empty packet clears them.
func (m *macros) set(cmd Command, packet []byte) error {
	if len(packet) > 0 && packet[len(packet)-1] != 0 || bytes.Count(packet, nul)%2 != 0 {
		return violation("macros of %v are not pairs of terminated strings", cmd)
	}
	if cmd == CmdUnknown {
		m.unknown = append(shrink(m.unknown), packet...)
		return nil
	}
	i := bytes.IndexByte([]byte(macroOrder), byte(cmd))
	if i < 0 {
		return violation("macros for %v", cmd)
	}
	m.next = m.next || cmd == CmdMail
	m.stage[i] = append(shrink(m.stage[i]), packet...)
	return nil
}

// beginMessage forgets the macros of the message before. Those of MAIL have come just before MAIL itself.
func (m *macros) beginMessage() {
	from := firstOfMessage
	if m.next {
		from++
	}
	m.clear(from)
	m.next = false
}

// endMessage forgets the macros of a message. They must not be taken for those of the next: Sendmail sends no ABORT between two, and `i` only at MAIL.
func (m *macros) endMessage() {
	m.clear(firstOfMessage)
	m.next = false
}

// endSession forgets everything.
func (m *macros) endSession() {
	m.clear(0)
	m.unknown = nil
	m.next = false
}

func (m *macros) clear(from int) {
	for i := from; i < len(m.stage); i++ {
		m.stage[i] = shrink(m.stage[i])
	}
}

// get is the value of a macro, given as {name} or name.
func (m *macros) get(name string) (string, bool) {
	name = bare(name)
	if v, ok := find(m.unknown, name); ok {
		return v, true
	}
	for i := len(m.stage) - 1; i >= 0; i-- {
		if v, ok := find(m.stage[i], name); ok {
			return v, true
		}
	}
	return "", false
}

// find looks for a macro in one packet.
func find(packet []byte, name string) (string, bool) {
	for len(packet) > 0 {
		var key, value []byte
		key, packet, _ = bytes.Cut(packet, nul)
		value, packet, _ = bytes.Cut(packet, nul)
		if named(key, name) {
			return string(value), true
		}
	}
	return "", false
}

// named compares without making a string, which a small message would feel.
func named(key []byte, name string) bool {
	if n := len(key); n > 2 && key[0] == '{' && key[n-1] == '}' {
		key = key[1 : n-1]
	}
	return string(key) == name
}

var nul = []byte{0}

// bare takes the braces off a macro's name. {i} is i.
func bare(name string) string {
	if n := len(name); n > 2 && name[0] == '{' && name[n-1] == '}' {
		return name[1 : n-1]
	}
	return name
}

// shrink empties p, and lets go of its memory if that is more than usual.
func shrink(p []byte) []byte {
	if cap(p) > keptMacroBytes {
		return nil
	}
	return p[:0]
}
