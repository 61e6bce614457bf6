package daemon

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/postseal/postseal/test/internal/await"
)

// Line is one line of a JSON log. The fields below Text are those of a message's line.
type Line struct {
	Text     string    `json:"-"` // the line as written
	Time     time.Time `json:"time"`
	Level    string    `json:"level"`
	Msg      string    `json:"msg"`
	QueueID  string    `json:"queue_id"`
	Decision string    `json:"decision"`
	Reason   string    `json:"reason"`
	From     string    `json:"from"` // domain
	User     string    `json:"user"`
	Client   string    `json:"client"`
	Keys     string    `json:"keys"` // domain/selector,domain/selector
	Size     int64     `json:"size"`
	Detail   string    `json:"detail"`
	Warnings string    `json:"warnings"` // word,word
	Deferred bool      `json:"deferred"`

	// of a notification
	Event    string `json:"event"`
	Domain   string `json:"domain"`
	Selector string `json:"selector"`
	Version  int64  `json:"version"` // of the store
}

// Explanation is what postseal explain should say of the same message.
func (l Line) Explanation() Explanation {
	return Explanation{
		Decision: l.Decision, Reason: l.Reason, From: l.From, Deferred: l.Deferred,
		Keys: list(l.Keys), Warnings: list(l.Warnings),
	}
}

func list(words string) []string {
	if words == "" {
		return nil
	}
	return strings.Split(words, ",")
}

var isReload = regexp.MustCompile(`"msg":"reload`)

// Lines parses the log so far; a line that is still being written, or that is not JSON, has only its Text.
func (d *Daemon) Lines() []Line {
	var lines []Line
	for text := range bytes.Lines(d.Log()) {
		l := Line{Text: string(bytes.TrimSpace(text))}
		_ = json.Unmarshal(text, &l)
		lines = append(lines, l)
	}
	return lines
}

// Message waits for the line about the message with queueID.
func (d *Daemon) Message(queueID string) (Line, error) {
	return d.wait("log line of message "+queueID, 0, func(l Line) bool { return l.Msg == "message" && l.QueueID == queueID })
}

// Says waits for the line msg.
func (d *Daemon) Says(msg string) (Line, error) {
	return d.wait("log line "+msg, 0, func(l Line) bool { return l.Msg == msg })
}

// Messages are the lines about messages so far.
func (d *Daemon) Messages() []Line {
	var lines []Line
	for _, l := range d.Lines() {
		if l.Msg == "message" {
			lines = append(lines, l)
		}
	}
	return lines
}

// wait returns the first line from number first on that wanted accepts.
func (d *Daemon) wait(what string, first int, wanted func(Line) bool) (found Line, err error) {
	err = await.That(what, func() bool {
		for _, l := range d.Lines()[first:] {
			if wanted(l) {
				found = l
				return true
			}
		}
		return false
	})
	return found, err
}
