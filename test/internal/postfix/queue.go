package postfix

import (
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/postseal/postseal/test/internal/await"
)

// Emptied waits until no message is in the queue any more: all that was accepted has been delivered or returned.
func (p *Postfix) Emptied() error {
	var left []string
	err := await.That("an empty queue", func() bool {
		var err error
		left, err = p.Queued("maildrop", "incoming", "active", "deferred", "hold")
		return err == nil && len(left) == 0
	})
	if err != nil {
		return fmt.Errorf("%w: %v", err, left)
	}
	return nil
}

// Queued lists the message files in some directories of the queue.
func (p *Postfix) Queued(directories ...string) (files []string, err error) {
	for _, d := range directories {
		err := filepath.WalkDir(p.InQueue(d), func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err // a file that was moved while it was looked at, for one
		}
	}
	return files, nil
}

// Retry has all mail tried again that waits, also what sendmail(1) has left in maildrop.
func (p *Postfix) Retry() error {
	for _, command := range []string{"postkick -c " + p.ConfigDir + " public pickup W", "postqueue -c " + p.ConfigDir + " -f"} {
		args := strings.Fields(command)
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", command, err, out)
		}
	}
	return nil
}
