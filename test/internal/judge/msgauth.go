package judge

import (
	"bytes"

	"github.com/emersion/go-msgauth/dkim"
)

// MsgAuth is emersion's go-msgauth, in this process: rsa-sha256 and ed25519-sha256.
func MsgAuth(msg []byte) ([]Verdict, error) {
	all, err := dkim.Verify(bytes.NewReader(msg))
	if err != nil {
		return nil, err
	}
	verdicts := make([]Verdict, len(all))
	for i, v := range all {
		verdicts[i] = Verdict{Domain: v.Domain, Pass: v.Err == nil}
		if v.Err != nil {
			verdicts[i].Why = v.Err.Error()
		}
	}
	return verdicts, nil
}
