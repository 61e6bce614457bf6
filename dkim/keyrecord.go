package dkim

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// KeyRecord is what the TXT record of a key says (RFC 6376 section 3.6.1). It does not change after parsing and may be shared.
type KeyRecord struct {
	KeyType    string      // k=, "rsa" if the tag is missing
	Hashes     []string    // h=; nil permits all
	Services   []string    // s=; nil permits all
	Flags      []string    // t=
	Notes      string      // n=, as it stands there
	Revoked    bool        // p= is empty
	Public     *PublicKey  // nil if revoked
	Deviations []Deviation // what a verifier puts up with
}

// Deviation is something in a key record that we accept though the text of the RFC does not have it, or others stumble on.
type Deviation struct {
	Kind DeviationKind
	Tag  string // the name of the tag
}

// DeviationKind is one word of a fixed vocabulary.
type DeviationKind string

// The kinds of deviations.
const (
	DeviationUnknownTag DeviationKind = "unknown-tag" // ignored; g= of RFC 4871 among them (RFC 6376 appendix C)
	DeviationNoVersion  DeviationKind = "no-version"  // v= is RECOMMENDED
	DeviationSpaceInKey DeviationKind = "space-in-key"
	DeviationPKCS1      DeviationKind = "pkcs1-key" // RSAPublicKey: the letter of the RFC, but few publish it (erratum 3017)
	DeviationNonASCII   DeviationKind = "non-ascii"
)

// maxKeyRecord bounds a record in octets: DNS has no larger one. A verifier may want less.
const maxKeyRecord = 65535

// ParseKeyRecord reads a key record, the strings of one TXT record joined with nothing in between. The error is a *Fault with
// permerror. The KeyRecord is never nil; with an error it holds what could be read.
func ParseKeyRecord(txt string) (*KeyRecord, error) {
	r := &KeyRecord{KeyType: "rsa"}
	if len(txt) > maxKeyRecord {
		return r, keySyntax("%d octets, want at most %d", len(txt), maxKeyRecord)
	}
	tags, err := ParseTagList(txt)
	if err != nil {
		return r, keySyntax("%v", err)
	}
	if err := r.readVersion(tags); err != nil {
		return r, err
	}
	var p string
	for _, t := range tags {
		r.read(t)
		if t.Name == "p" {
			p = t.Value
		}
	}
	if _, ok := tags.Get("p"); !ok { // REQUIRED
		return r, keySyntax("no p= tag")
	}
	if err := r.readKey(p); err != nil {
		return r, err
	}
	return r, nil
}

func keySyntax(format string, args ...any) error {
	return &Fault{PermError, ReasonKeySyntax, fmt.Sprintf(format, args...)}
}

// readVersion: v= MUST be the first tag and exactly DKIM1, case and all; other records MUST be discarded.
func (r *KeyRecord) readVersion(tags TagList) error {
	v, ok := tags.Get("v")
	switch {
	case !ok:
		r.deviate(DeviationNoVersion, "v")
	case tags[0].Name != "v":
		return keySyntax("v= is not the first tag")
	case v != "DKIM1":
		return keySyntax("v=%.40q, want DKIM1", v)
	}
	return nil
}

// read takes in one tag but v= and p=.
func (r *KeyRecord) read(t Tag) {
	if strings.ContainsFunc(t.Value, func(c rune) bool { return c >= 0x80 }) {
		r.deviate(DeviationNonASCII, t.Name)
	}
	switch t.Name {
	case "v", "p":
	case "h":
		r.Hashes = splitWords(t.Value)
	case "k":
		r.KeyType = strings.ToLower(t.Value)
	case "n":
		r.Notes = t.Value
	case "s":
		r.Services = splitWords(t.Value)
	case "t":
		r.Flags = splitWords(t.Value)
	default:
		r.deviate(DeviationUnknownTag, t.Name)
	}
}

func (r *KeyRecord) readKey(p string) error {
	text := removeFWS(p)
	if text == "" {
		r.Revoked = true
		return nil
	}
	if len(text) != len(p) {
		r.deviate(DeviationSpaceInKey, "p")
	}
	var a Algorithm
	switch r.KeyType {
	case RSASHA256.KeyType():
		a = RSASHA256
	case Ed25519SHA256.KeyType():
		a = Ed25519SHA256
	default:
		return &Fault{PermError, ReasonKeyType, fmt.Sprintf("k=%.40q", r.KeyType)}
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return keySyntax("p= is not base64")
	}
	key, bare, err := parsePublicKey(a, data)
	if err != nil {
		return keySyntax("p=: %v", err)
	}
	if bare {
		r.deviate(DeviationPKCS1, "p")
	}
	r.Public = key
	return nil
}

func (r *KeyRecord) deviate(kind DeviationKind, tag string) {
	r.Deviations = append(r.Deviations, Deviation{kind, tag})
}

// Permits checks that the key may verify s: that it is no other key, of another type, for another hash, another service or another
// identity (RFC 6376 section 6.1.2). The error is a *Fault with permerror.
func (r *KeyRecord) Permits(s *Signature) error {
	switch {
	case r.Revoked:
		return &Fault{PermError, ReasonKeyRevoked, ""}
	case r.Public == nil || r.Public.Algorithm() != s.Algorithm:
		return &Fault{PermError, ReasonKeyType, fmt.Sprintf("k=%.40q, a=%s", r.KeyType, s.AlgorithmName)}
	case r.Hashes != nil && !containsFold(r.Hashes, "sha256"):
		return &Fault{PermError, ReasonKeyHash, ""}
	case r.Services != nil && !containsFold(r.Services, "*") && !containsFold(r.Services, "email"):
		return &Fault{PermError, ReasonKeyService, ""}
	case r.hasFlag("s") && s.IdentityDomain != s.Domain:
		return &Fault{PermError, ReasonKeyIdentity, fmt.Sprintf("t=s, i= is of %s, d= is %s", s.IdentityDomain, s.Domain)}
	}
	return nil
}

// Testing tells that the domain is testing DKIM (t=y): a signature that fails is no worse than none.
func (r *KeyRecord) Testing() bool { return r.hasFlag("y") }

func (r *KeyRecord) hasFlag(flag string) bool { return containsFold(r.Flags, flag) }

// splitWords splits a list at its colons.
func splitWords(value string) []string {
	words := strings.Split(value, ":")
	for i, w := range words {
		words[i] = trimFWS(w)
	}
	return words
}
