// Package authres writes and reads Authentication-Results fields (RFC 8601) and tells which of a message's fields must go because they claim
// to be ours.
//
//	mx.example.net;
//		dkim=pass (2048-bit key) header.d=example.com header.i=@example.com
//		header.a=rsa-sha256 header.s=s1 header.b=fRT2k0Ab
//
// # What is written
//
// Nearly every value comes from a stranger: from his message or from his DNS. So no octet is written that means anything to a reader,
// whether that reader follows the grammar or only splits at ";":
//
//   - Values of properties, reasons and comments are written in DKIM-quoted-printable (RFC 6376 section 2.11), which is how i= stands in a
//     signature: "=" and two hexadecimal digits for each octet that is not printable ASCII, for ; = ( ) " \ and, in values, for a blank.
//     Decoded that way each text reads back exactly.
//   - A value is quoted when it is neither a token nor an address without "=" in it.
//   - A value of over 512 octets is left out with its property (cut short, it could name somebody else); reasons and comments are cut at 128.
//   - Methods, results and names of properties are keywords; what is none is left out.
//   - A field has at most 24 KiB. Results that do not fit are left out, and a comment at its end says how many.
//
// Nothing but ASCII is written, for messages with internationalized headers too (RFC 8601 section 2.2 permits A-labels everywhere).
package authres

// FieldName is the name of the field.
const FieldName = "Authentication-Results"

// Header is one field: who checked a message, and what came out.
type Header struct {
	ID      string   // authserv-id: printable ASCII, not empty; other octets are dropped
	Results []Result // none: "; none" is written
}

// Result is what one method found.
type Result struct {
	Method     string // a keyword: "dkim"
	Value      string // a keyword: "pass", "permerror"
	Reason     string // optional, of a fixed vocabulary: "key-revoked"
	Comment    string // optional, for people: "2048-bit key"
	Properties []Property
}

// Property is a fact that a result rests on, "header.d=example.com".
type Property struct {
	Type  string // a keyword: header, policy, dns, smtp, body
	Name  string // a keyword: d, i, s, a, b
	Value string // raw; written encoded
}
