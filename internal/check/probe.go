package check

import (
	"context"
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/signer"
	"github.com/postseal/postseal/verifier"
)

// probeBody is the body of the message that is signed and verified; it goes nowhere.
const probeBody = "Does this verify with the record in DNS?\r\n"

// exactly answers with the text that came out of DNS.
type exactly string

func (text exactly) LookupTXT(context.Context, string) (verifier.Answer, error) {
	return verifier.Answer{TXT: []string{string(text)}}, nil
}

// probe signs a message as the daemon would and verifies it as receivers would, with exactly the fetched text. It returns what is wrong.
func (c *checking) probe(ctx context.Context, text string) string {
	s := c.subject
	if s.Signer == nil {
		return ""
	}
	unsigned := &dkim.Fields{}
	unsigned.Add([]byte("From"), []byte(" <postmaster@"+s.Domain+">"))
	signing := signer.Begin(unsigned, []signer.Key{{Domain: s.Domain, Selector: s.Selector, Private: s.Signer}}, signer.Options{})
	defer signing.Release()
	signing.Write([]byte(probeBody))
	signature := signing.Sign(c.now)[0]
	if signature.Err != nil {
		return signature.Err.Error()
	}
	signed := &dkim.Fields{}
	signed.Add([]byte("DKIM-Signature"), []byte(" "+signature.Value))
	signed.Add([]byte("From"), []byte(" <postmaster@"+s.Domain+">"))
	v := verifier.New(exactly(text), verifier.Options{Now: c.clock})
	m := v.Begin(ctx, signed)
	defer m.Release()
	m.Write([]byte(probeBody))
	result := m.Finish()[0]
	if result.Status == dkim.Pass {
		return ""
	}
	return printable(strings.TrimSpace(string(result.Status) + " " + string(result.Reason)))
}
