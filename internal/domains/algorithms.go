package domains

import "github.com/postseal/postseal/dkim"

// ParseAlgorithms reads what people call the algorithms of keys: rsa and ed25519.
// The error is an *Invalid.
func ParseAlgorithms(names ...string) ([]dkim.Algorithm, error) {
	var out []dkim.Algorithm
	for _, name := range names {
		switch name {
		case "rsa":
			out = append(out, dkim.RSASHA256)
		case "ed25519":
			out = append(out, dkim.Ed25519SHA256)
		default:
			return nil, invalid(name, "is no algorithm", "say rsa or ed25519")
		}
	}
	return out, nil
}
