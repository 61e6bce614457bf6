package check

import (
	"context"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns/authority"
)

// texts judges the TXT records at the end of the chain. It is true if a receiver can use them.
func (c *checking) texts(ctx context.Context) bool {
	records := c.end.answered[0].Of(authority.TXT)
	if len(records) == 0 {
		c.report.raise("D102", facts{"detail": ""})
		c.report.decide(Absent)
		return false
	}
	text := records[0].Text()
	c.report.common["found"] = quote(text)
	if !c.usable(c.end.texts()) && c.onlyWildcard(ctx) {
		return false
	}
	ok := false
	if len(records) > 1 {
		c.several(records)
	} else {
		ok = c.single(ctx, records[0])
	}
	if !ok {
		c.report.retryIn(c.end.ttl())
		c.waitHint()
	}
	return ok
}

// usable tells whether one of the texts is the key that is wanted.
func (c *checking) usable(texts []string) bool {
	return slices.ContainsFunc(texts, func(text string) bool {
		if c.subject.Public != nil {
			return c.isOurs(text)
		}
		_, err := dkim.ParseKeyRecord(text)
		return err == nil
	})
}

// onlyWildcard reports an answer that has nothing to do with this name.
func (c *checking) onlyWildcard(ctx context.Context) bool {
	if _, yes := c.wildcard(ctx); !yes {
		return false
	}
	c.report.raise("D208", nil)
	c.report.decide(Absent)
	c.report.retryIn(c.end.ttl())
	c.elsewhere(ctx, "only a wildcard")
	c.waitHint()
	return true
}

// single judges the one record. It is true if a receiver can verify with it.
func (c *checking) single(ctx context.Context, r authority.Record) bool {
	text := r.Text()
	record, err := dkim.ParseKeyRecord(text)
	c.record = record
	if err != nil {
		c.report.decide(Malformed)
		c.damaged(r, err)
		return false
	}
	c.deviations(r, record)
	if record.Revoked {
		c.report.raise("D403", nil)
		c.report.decide(Revoked)
		return false
	}
	c.report.common["theirs"] = describeKey(record.Public.Key())
	if c.subject.Public != nil && !record.Public.Equal(c.subject.Public) {
		c.mismatch(r, record)
		return false
	}
	if !c.permits(record) {
		c.report.decide(Malformed)
		return false
	}
	if fault := c.probe(ctx, text); fault != "" {
		c.report.raise("D414", facts{"detail": fault})
		c.report.decide(Malformed)
		return false
	}
	if record.Testing() && !c.subject.Testing {
		c.report.raise("D401", nil)
		c.report.decide(Testing)
	}
	return true
}

// mismatch reports another key, and what we know about it.
func (c *checking) mismatch(r authority.Record, record *dkim.KeyRecord) {
	c.report.decide(Mismatch)
	if code, _ := c.privateKey(r, r.Text()); code != "" { // an Ed25519 seed looks like a public key
		c.report.raise(code, nil)
		return
	}
	detail := ""
	if c.subject.Known != nil {
		if known := c.subject.Known(Fingerprint(record.Public.Key())); known != "" {
			detail = ": " + known
		}
	}
	c.report.raise("D402", facts{"detail": detail})
}

// deviations reports what verifiers put up with.
func (c *checking) deviations(r authority.Record, record *dkim.KeyRecord) {
	var unknown []string
	for _, d := range record.Deviations {
		switch d.Kind {
		case dkim.DeviationSpaceInKey:
			c.report.raise("D305", nil)
		case dkim.DeviationPKCS1:
			c.report.raise("D407", nil)
		case dkim.DeviationUnknownTag:
			unknown = append(unknown, d.Tag+"=")
		case dkim.DeviationNonASCII:
			c.report.raise("D312", facts{"detail": oddCharacter(r.Text())})
		}
	}
	if unknown != nil {
		c.report.raise("D315", facts{"detail": list(unknown)})
	}
	if len(r.Strings) > 1 && slices.Contains(r.Strings, "") {
		c.report.raise("D312", facts{"detail": "an empty string among the " + fmt.Sprint(len(r.Strings))})
	}
}

// permits judges the tags beside the key, and its size. It is false if no verifier takes the key for our mail.
func (c *checking) permits(record *dkim.KeyRecord) bool {
	ok := true
	if record.Hashes != nil && !hasWord(record.Hashes, "sha256") {
		c.report.raise("D409", facts{"detail": "h=" + printable(strings.Join(record.Hashes, ":"))})
		ok = false
	}
	if record.Services != nil && !hasWord(record.Services, "*", "email") {
		c.report.raise("D408", facts{"detail": "s=" + printable(strings.Join(record.Services, ":"))})
		ok = false
	}
	if c.subject.SubDomains && hasWord(record.Flags, "s") {
		c.report.raise("D410", nil)
	}
	key, isRSA := record.Public.Key().(*rsa.PublicKey)
	if !isRSA {
		return ok
	}
	switch bits := key.N.BitLen(); {
	case bits < dkim.MinBits:
		c.report.raiseAs("D411", Error, facts{"detail": fmt.Sprintf("%d bits: verifiers refuse it", bits)})
		return false
	case bits < dkim.RecommendedBits:
		c.report.raise("D411", facts{"detail": fmt.Sprintf("%d bits: weak", bits)})
	case bits > dkim.MaxBits:
		c.report.raise("D411", facts{"detail": fmt.Sprintf("%d bits: verifiers need not take it", bits)})
	case key.E < usualExponent:
		c.report.raise("D411", facts{"detail": fmt.Sprintf("the exponent %d: verifiers may refuse one that is so small", key.E)})
	}
	return ok
}

// usualExponent is that of nearly all RSA keys.
const usualExponent = 65537

func hasWord(words []string, wanted ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.ContainsFunc(wanted, func(x string) bool { return strings.EqualFold(w, x) })
	})
}
