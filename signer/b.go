package signer

import (
	"crypto/sha256"
	"encoding/base64"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/dkim/canon"
)

// B computes the b= value, unfolded, of a signature field that somebody else laid out, for the header fields that h names. field is
// the raw "DKIM-Signature: …" with its folds; a value that b= already has is ignored. It reproduces the examples of RFC 8463
// appendix A octet by octet.
func B(private *dkim.PrivateKey, k canon.Kind, fields *dkim.Fields, h []string, field []byte) (string, error) {
	input := dkim.AppendFields(nil, k, fields, fields.Instances(nil, h))
	digest := sha256.Sum256(dkim.AppendSignatureField(input, k, field))
	b, err := private.Sign(digest[:])
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b), nil
}
