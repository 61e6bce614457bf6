package load

import (
	"bytes"
	"fmt"
	"strings"

	msgauth "github.com/emersion/go-msgauth/dkim"

	"github.com/postseal/postseal/milter/miltertest"
)

// mail is a message of ordinary form from a sender.
func mail(from string) miltertest.Message {
	return miltertest.Message{From: "<" + from + ">", To: []string{"<b@example.net>"}, Raw: []byte("From: <" + from + ">\r\nTo: b@example.net\r\n" +
		"Subject: load\r\nDate: Sat, 21 Nov 2026 21:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\n" + strings.Repeat("Hello, world\r\n", 20))}
}

// signatures sends a message and returns the domain/selector of each signature that
// it got, in their order from the top. Every one has been verified, by another's
// code, with the record that lookup gives.
func signatures(mta *miltertest.MTA, m miltertest.Message, lookup func(name string) ([]string, error)) ([]string, error) {
	result, err := mta.Send(m)
	if err != nil {
		return nil, err
	}
	if result.Reply.Code != 'a' {
		return nil, fmt.Errorf("reply %v", result.Reply)
	}
	var names []string
	for _, mod := range result.Modifications {
		if mod.Kind != 'i' || mod.Index != 0 || mod.Name != "DKIM-Signature" {
			return nil, fmt.Errorf("modification %+v", mod)
		}
		names = append([]string{tag(mod.Value, "d") + "/" + tag(mod.Value, "s")}, names...)
	}
	verdicts, err := msgauth.VerifyWithOptions(bytes.NewReader(result.Delivered), &msgauth.VerifyOptions{LookupTXT: lookup})
	if err != nil {
		return nil, err
	}
	for i, v := range verdicts {
		if v.Err != nil {
			return nil, fmt.Errorf("signature of %s: %w", names[i], v.Err)
		}
	}
	if len(verdicts) != len(names) {
		return nil, fmt.Errorf("%d signatures, %d verdicts", len(names), len(verdicts))
	}
	return names, nil
}

// tag is a value of a DKIM-Signature field.
func tag(field, name string) string {
	for part := range strings.SplitSeq(field, ";") {
		if key, value, _ := strings.Cut(strings.TrimSpace(part), "="); key == name {
			return value
		}
	}
	return ""
}
