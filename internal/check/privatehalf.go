package check

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"regexp"
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns/authority"
)

// privateKey finds the private half in public: ours (ruling 34), or that of the stranger whose record it is.
func (c *checking) privateKey(_ authority.Record, text string) (code, detail string) {
	candidates := [][]byte{[]byte(valueOf(text, "p"))}
	if i := strings.Index(text, "-----BEGIN "); i >= 0 {
		candidates = append(candidates, armourless(text[i:]))
	}
	for _, data := range candidates {
		if key, err := dkim.ParsePrivateKey(data); err == nil && c.isPrivateHalf(key, data) {
			return "D309", ""
		}
	}
	return "", ""
}

// bareSeed is how long an Ed25519 seed is in base64: as long as a public key, from which nothing tells it.
const bareSeed = 44

func (c *checking) isPrivateHalf(key *dkim.PrivateKey, data []byte) bool {
	if c.subject.Public == nil {
		return len(bytes.Join(bytes.Fields(data), nil)) > bareSeed
	}
	return Fingerprint(key.Public()) == Fingerprint(c.subject.Public)
}

// armourless returns the base64 between the lines of a PEM block, which may have lost its line ends.
func armourless(text string) []byte {
	if block, _ := pem.Decode([]byte(text)); block != nil {
		return []byte(base64.StdEncoding.EncodeToString(block.Bytes))
	}
	text = armourLine.ReplaceAllString(text, "")
	return []byte(strings.Join(strings.Fields(text), ""))
}

var armourLine = regexp.MustCompile(`-----(BEGIN|END) [A-Z ]+-----`)
