package postfix

import (
	"fmt"
	"regexp"
)

var queueID = regexp.MustCompile(`(?s)\(Postfix[^)]*\)\s+(?:with \S+ )?id ([0-9A-Za-z]+)`)

// QueueID finds the id under which a delivered message was in the queue, in the first Received field of its header.
func QueueID(header []byte) (string, error) {
	id := queueID.FindSubmatch(header)
	if id == nil {
		return "", fmt.Errorf("the delivered message has no Received field of Postfix:\n%s", header)
	}
	return string(id[1]), nil
}
