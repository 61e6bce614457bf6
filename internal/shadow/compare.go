package shadow

import (
	"context"
	"fmt"
	"slices"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/filter"
	"github.com/postseal/postseal/internal/mailaddr"
	"github.com/postseal/postseal/internal/policy"
)

// scene is the message that signatures are compared in.
type scene struct {
	set    *separated
	sender mailaddr.Address
	all    *dkim.Fields // the file's header
	bodies map[bodyForm][]byte
	ours   []*signature
}

// compare says in what an old signature and ours differ. Failed look-ups are noted in r.
func (j *Judge) compare(ctx context.Context, p pairing, s scene, r *Report) Comparison {
	c := Comparison{Differences: []Difference{}}
	if p.ours != nil {
		c.Ours, c.Field = nameOf(p.ours.Signature), p.ours.value
	}
	if p.old == nil {
		c.Differences = append(c.Differences, added(p.ours, s.set.old))
		return c
	}
	c.Old = nameOf(p.old.Signature)
	key := sameKey(p.old, s.ours)
	found, asked := j.published(ctx, p)
	if key == nil {
		key = found.of(p.old.Algorithm)
	}
	c.Control = control(p.old, s.all, s.bodies[formOf(p.old)], key)
	c.add(controlled(c.Control, sameKey(p.old, s.ours) != nil)...)
	if p.ours == nil {
		if len(s.ours) > 0 { // else the message has the reason
			c.add(Difference{What: "signature", Level: Differs, Text: "ours is missing", Advice: "sign.signingtable, sign.keytable: name this key too; for several lines at once, sign.multiple_signatures = true"})
		}
		return c
	}
	c.add(tagDifferences(p.old, p.ours, s.sender)...)
	c.add(covered(p.old.Signature, p.ours.Signature, s.set.seen).differences(s.set.seen)...)
	if asked {
		c.add(j.keyDifferences(ctx, p, found, r)...)
	}
	return c
}

func (c *Comparison) add(more ...Difference) { c.Differences = append(c.Differences, more...) }

// added is about a signature that only postseal would make.
func added(n *signature, old []*signature) Difference {
	d := Difference{What: "signature", Level: Differs, Text: "the old signer did not make this one", Advice: "to do without: take its line out of sign.keytable or sign.signingtable"}
	if slices.ContainsFunc(old, func(o *signature) bool { return o.Domain == n.Domain }) {
		d.Level = Harmless // one more for the same domain takes nothing from the others
	}
	return d
}

// sameKey is our key for the d=, s= and a= of an old signature, or nil.
func sameKey(o *signature, ours []*signature) *dkim.PublicKey {
	for _, n := range ours {
		if n.Domain == o.Domain && n.Selector == o.Selector && n.Algorithm == o.Algorithm {
			return n.public
		}
	}
	return nil
}

// controlled puts a control in words. own says that it was made with our key.
func controlled(c Control, own bool) []Difference {
	switch c {
	case BodyChanged:
		return []Difference{{What: "bh", Level: Unsure, Text: "bh=: the body is not as it was signed, so that bh= cannot be compared"}}
	case HeaderChanged:
		return []Difference{{What: "file", Level: Unsure, Text: "a signed header field is not as it was: b= does not fit, though the key is the right one"}}
	case NoMatch:
		return []Difference{{What: "file", Level: Unsure, Text: "b= does not fit: a signed header field is not as it was, or the key is another one", Advice: "--dns compares the keys"}}
	case OtherKey:
		if !own {
			return []Difference{{What: "file", Level: Unsure, Text: "the old signature was made with another key than the one that DNS has now"}}
		}
		return []Difference{{What: "key", Level: Differs, Text: "the old signature was made with another key than ours of the same name", Advice: "sign.keytable: name the old signer's key file"}}
	}
	return nil
}

// notSigned is about a message that postseal would leave without a signature.
func notSigned(e filter.Explanation) Difference {
	d := Difference{What: "signed", Level: Differs, Text: fmt.Sprintf("postseal would not sign it: %s", e.Reason), Advice: remedies[e.Reason]}
	if e.Decision != "unsigned" {
		d.Text = fmt.Sprintf("postseal would verify it, as mail from outside (%s)", e.Reason)
		d.Advice = remedies[policy.NotTrusted]
	}
	return d
}

// remedies say what to look at for each reason not to sign.
var remedies = map[policy.Reason]string{
	policy.NotTrusted:       "say with --user, --client, --daemon-name or --macro where the mail came from; or see sign.trusted_networks, sign.trusted_daemons, sign.trusted_macros",
	policy.Reauthenticating: "sign.reauthenticating_users, or reauth of the [[user]] row",
	policy.RecipientExempt:  "sign.dont_sign_mail_to",
	policy.DomainExempt:     "sign.exempt_domains",
	policy.NoFrom:           "sign.sender_headers",
	policy.SeveralFrom:      "nothing to set: a message with several From fields is never signed",
	policy.FromSyntax:       "nothing to set: whose mail it is cannot be told",
	policy.SeveralAuthors:   `sign.multiple_from = "first"`,
	policy.UserNotAllowed:   "domains of the [[user]] row",
	policy.NoKey:            "sign.signingtable: add a line for the sender; or sign.subdomains, a [[user]] row, sign.default_key; `postseal domain add` for a managed domain",
	policy.KeyNotActive:     "`postseal domain show` says what the key waits for",
	policy.DomainDisabled:   "`postseal domain enable`",
	policy.UserDisabled:     "`postseal user list` and the [[user]] rows",
	policy.KeyUnavailable:   "`postseal check-config` names the row and what is wrong with its key",
	filter.Limit:            "[limits]",
	filter.SigningFailed:    "the key failed; `postseal sign FILE` says how",
	filter.AlreadySigned:    "nothing to set: an earlier signature with our key still verifies, beside the old signer's",
}
