package domains

import (
	"math/bits"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/check"
)

// lookAgain has a driver look at a record once more that it wrote, that DNS had, and that
// checks do not find any more: an old zone file was restored, a server lost its journal.
// What stands there is for the driver to judge: the record of somebody else stays.
func (l *life) lookAgain(tx Tx) error {
	for i := range l.runs {
		k := l.key(l.runs[i].KeyID)
		if k == nil || !k.lost(&l.runs[i]) {
			continue
		}
		if err := l.dueAgain(tx, l.domain.Driver, dkim.RecordName(k.Selector, k.Domain), k.recordType()); err != nil {
			return err
		}
		if k.Target == "" || l.publishing == nil {
			continue
		}
		if err := l.dueAgain(tx, l.publishing.KeyZone, k.Target, "TXT"); err != nil {
			return err
		}
	}
	return nil
}

// lost says that a check found nothing of a record that was confirmed before. It is said
// at the second check in a row and, should that not help, ever more seldom.
func (k *Key) lost(r *CheckRun) bool {
	gone := r.Verdict == string(check.Absent) || r.Verdict == string(check.TargetChanged)
	return gone && !k.VerifiedAt.IsZero() && k.Bad.Count >= 2 && bits.OnesCount(uint(k.Bad.Count)) == 1
}

func (k *Key) recordType() string {
	if k.Target != "" {
		return "CNAME"
	}
	return "TXT"
}

// dueAgain makes a record due that a driver is done with.
func (l *life) dueAgain(tx Tx, driver, name, kind string) error {
	if driver == "" {
		return nil
	}
	row, err := tx.Published(driver, name, kind)
	if err != nil {
		return ignoreNotFound(err)
	}
	return row.dueAgain(tx, l.now)
}

// dueAgain makes a record due that its driver wrote and is done with.
func (p Published) dueAgain(tx Tx, now time.Time) error {
	if p.WrittenAt.IsZero() || p.Want == "" || !p.Standing() {
		return nil
	}
	p.NextAt = now
	p.Revision++
	return tx.PutPublished(p)
}
