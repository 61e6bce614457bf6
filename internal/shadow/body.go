package shadow

import (
	"crypto/sha256"
	"hash"
	"io"
	"math"

	"github.com/postseal/postseal/dkim/canon"
)

// bodyForm is what a body hash depends on beside the body.
type bodyForm struct {
	kind   canon.Kind
	length int64 // l=, or -1
}

func formOf(s *signature) bodyForm { return bodyForm{s.Canonicalization.Body, s.BodyLength} }

// bodyHashes hashes the body in one pass in each form that old signatures ask for.
// The sum of a body that is shorter than l= is missing.
func bodyHashes(body io.Reader, old []*signature) (map[bodyForm][]byte, error) {
	sums := map[bodyForm]hash.Hash{}
	canonical := map[bodyForm]*canon.Body{}
	var writers []io.Writer
	for _, s := range old {
		form := formOf(s)
		if sums[form] != nil {
			continue
		}
		sums[form] = sha256.New()
		length := form.length
		if length < 0 {
			length = math.MaxInt64
		}
		canonical[form] = canon.NewBody(form.kind, &prefixWriter{sums[form], length})
		writers = append(writers, canonical[form])
	}
	if _, err := io.Copy(io.MultiWriter(writers...), body); err != nil {
		return nil, err
	}
	all := map[bodyForm][]byte{}
	for form, c := range canonical {
		if err := c.Close(); err != nil {
			return nil, err
		}
		if c.Len() >= form.length {
			all[form] = sums[form].Sum(nil)
		}
	}
	return all, nil
}

// prefixWriter passes on the first octets and takes the rest.
type prefixWriter struct {
	io.Writer
	left int64
}

func (w *prefixWriter) Write(p []byte) (int, error) {
	n := min(int64(len(p)), w.left)
	w.left -= n
	if n > 0 {
		if _, err := w.Writer.Write(p[:n]); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
