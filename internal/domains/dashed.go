package domains

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// dashed writes a domain as one label of the key zone: example.com -> example-com. A
// hyphen of its own is doubled, so that no two domains meet. What is too long for a
// label is cut and told apart by its hash; three hyphens in a row are in no other.
func dashed(domain string) string {
	label := strings.NewReplacer("-", "--", ".", "-").Replace(domain)
	if len(label) <= 63 {
		return label
	}
	sum := sha256.Sum256([]byte(domain))
	return fmt.Sprintf("%s---%s", strings.TrimRight(label[:24], "-"), hex.EncodeToString(sum[:16]))
}
