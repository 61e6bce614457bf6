// Package judge asks other people's verifiers about a delivered message. They look keys up in the DNS that
// /etc/resolv.conf names, as they do anywhere.
package judge

import "fmt"

// Verdict is what a verifier says of one signature.
type Verdict struct {
	Domain   string `json:"d"`
	Selector string `json:"s"` // empty when the verifier does not tell
	Pass     bool   `json:"pass"`
	Why      string `json:"why"` // of a failure
}

func (v Verdict) String() string {
	if v.Pass {
		return fmt.Sprintf("d=%s s=%s pass", v.Domain, v.Selector)
	}
	return fmt.Sprintf("d=%s s=%s fail: %s", v.Domain, v.Selector, v.Why)
}

// Judge gives one verdict for each DKIM-Signature of msg, top to bottom. An error means that it could not judge at all.
type Judge struct {
	Name    string
	Verdict func(msg []byte) ([]Verdict, error)
}

// All judges.
var All = []Judge{{"dkimpy", DKIMPy}, {"go-msgauth", MsgAuth}, {"OpenDKIM", OpenDKIM}}
