package sendmail

import (
	"fmt"
	"os"
	"strings"

	"github.com/postseal/postseal/test/internal/await"
)

// Queued lists the messages in both queues, by the names of their files.
func (s *Sendmail) Queued() (names []string, err error) {
	for _, queue := range []string{mtaQueue, mspQueue} {
		entries, err := os.ReadDir(s.path(queue))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), ".") {
				names = append(names, queue+"/"+e.Name())
			}
		}
	}
	return names, nil
}

// Emptied waits until no message is queued any more: all that was accepted has been delivered or returned.
func (s *Sendmail) Emptied() error {
	var left []string
	err := await.That("empty queues", func() bool {
		var err error
		left, err = s.Queued()
		return err == nil && len(left) == 0
	})
	if err != nil {
		return fmt.Errorf("%w: %v", err, left)
	}
	return nil
}

// Retry has all mail tried again that waits, first what sendmail(1) could not hand over.
func (s *Sendmail) Retry() error {
	for _, flags := range [][]string{{"-Ac", "-qf"}, {"-qf"}} {
		if err := s.run("/"+program, flags...); err != nil {
			return err
		}
	}
	return nil
}

// Quarantined lists the ids of the messages that a milter had held: their queue files begin with hf.
func (s *Sendmail) Quarantined() (ids []string, err error) {
	entries, err := os.ReadDir(s.path(mtaQueue))
	for _, e := range entries {
		if id, held := strings.CutPrefix(e.Name(), "hf"); held {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// Release lets a quarantined message go, and delivers it.
func (s *Sendmail) Release(id string) error {
	if err := s.run("/"+program, "-Q", "-qQ", "-qI"+id); err != nil {
		return err
	}
	return s.Retry()
}
