package filter

import (
	"context"
	"slices"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/signer"
	"github.com/postseal/postseal/verifier"
)

// ownKeys is the look-up of signatures that we made ourselves: it knows the
// public halves of the keys that are about to sign, and asks nobody.
type ownKeys []signer.Key

func (own ownKeys) LookupTXT(_ context.Context, name string) (verifier.Answer, error) {
	for _, k := range own {
		if dkim.RecordName(k.Selector, k.Domain) == name {
			return verifier.Answer{TXT: []string{k.Private.PublicRecord()}}, nil
		}
	}
	return verifier.Answer{}, verifier.ErrNotFound
}

// beginReinjected starts to verify what our own keys signed earlier: a content
// filter hands a message back to the MTA, which shows it to us again. It is nil
// where no signature can be ours.
func beginReinjected(fields *dkim.Fields, keys []signer.Key) *verifier.Message {
	if fields.Count("DKIM-Signature") == 0 {
		return nil
	}
	return verifier.New(ownKeys(keys), verifier.Options{}).Begin(context.Background(), fields)
}

// notYetSigned leaves the keys whose signature does not stand in the message
// yet, or does not verify any more.
func notYetSigned(keys []signer.Key, results []verifier.Result) []signer.Key {
	return slices.DeleteFunc(slices.Clone(keys), func(k signer.Key) bool {
		return slices.ContainsFunc(results, func(r verifier.Result) bool {
			return r.Status == dkim.Pass && r.Domain == k.Domain && r.Selector == k.Selector && r.Algorithm == k.Private.Algorithm().String()
		})
	})
}
