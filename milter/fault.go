package milter

import (
	"bytes"
	"fmt"
)

// PanicError is the fault of a Session's method that panicked.
type PanicError struct {
	Command Command // what the Session was being told
	Value   any     // of the panic
	Stack   []byte
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("milter: panic at %v: %v", e.Command, e.Value)
}

// Unwrap gives the panic's value, if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// TooLargeError is the fault of a packet over Limits.FrameBytes, or of macros over 64 KiB. It was read and thrown away.
type TooLargeError struct {
	Command Command
	Size    int64  // bytes of the packet after its length field
	Head    []byte // how its data began, 64 bytes: of a HEADER the field's name, up to a NUL
}

// FieldName is the name of the field that a lost HEADER had, as far as it was kept, and "" for other commands.
func (e *TooLargeError) FieldName() string {
	if e.Command != CmdHeader {
		return ""
	}
	name, _, _ := bytes.Cut(e.Head, []byte{0})
	return string(name)
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("milter: %v packet of %d bytes is over the limit", e.Command, e.Size)
}

// protocolError says that the peer broke the protocol: the connection cannot go on.
type protocolError struct{ text string }

func (e *protocolError) Error() string { return "milter: protocol violation: " + e.text }

func violation(format string, args ...any) error {
	return &protocolError{fmt.Sprintf(format, args...)}
}
