package verifier

import (
	"context"
	"reflect"
	"testing"

	"github.com/postseal/postseal/dkim"
)

// Whatever the message and the record: a result for each signature, the same for any split of the body, and no panic.
func FuzzVerify(f *testing.F) {
	for _, r := range headerRows() {
		r.key = edKey()
		message, z := r.make(f)
		f.Add([]byte(message), z[mailKey].txt[0], uint8(3))
	}
	f.Add([]byte(seal(f, plain, rsaKey(), "l=4")), rsaKey().record, uint8(1))
	f.Add([]byte("DKIM-Signature: v=1\r\n\r\n"), "v=DKIM1; p=", uint8(1))
	f.Fuzz(func(t *testing.T, message []byte, record string, chunk uint8) {
		fields, _, err := dkim.ParseFields(message)
		if err != nil {
			return
		}
		v := newVerifier(everywhere(record), Options{})
		whole := verify(t, v, string(message), len(message)+1)
		if split := verify(t, v, string(message), int(chunk)+1); !reflect.DeepEqual(whole, split) {
			t.Errorf("%+v in one piece, %+v in pieces", whole, split)
		}
		if want := min(fields.Count("DKIM-Signature"), maxSeen); len(whole) != max(1, want) {
			t.Errorf("%d results for %d signatures", len(whole), want)
		}
		for _, r := range whole {
			if (r.Err == nil) != (r.Status == dkim.Pass || r.Status == dkim.None) || r.Status == "" {
				t.Errorf("%+v", r)
			}
		}
	})
}

// everywhere is a DNS with one record at all names.
type everywhere string

func (e everywhere) LookupTXT(context.Context, string) (Answer, error) {
	return Answer{TXT: []string{string(e)}}, nil
}
