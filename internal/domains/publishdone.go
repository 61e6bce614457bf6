package domains

import (
	"fmt"
	"time"
)

// settle notes the outcome of an attempt at what is still wanted, with its line of the
// journal, and says when there is something to do next.
func (s *Service) settle(tx Tx, actor string, row Published, o DNSOutcome) error {
	row.Revision++
	if o.Err != nil || o.Verdict == DNSForeign {
		return s.failed(tx, actor, &row, o)
	}
	row.learn(row.Want, o, row.ours(), s.now())
	text := map[DNSVerdict]string{
		DNSSame: "DNS has it already", DNSAdd: "written", DNSReplace: "written in the place of the former one", DNSRemove: "removed",
	}[o.Verdict]
	if row.Want == "" && o.Verdict == DNSSame {
		text = "gone already"
	}
	if row.Want != "" && row.WrittenAt.IsZero() {
		text = "somebody else has published it already; it stays theirs"
	}
	if err := tx.Append(s.publishEntry(actor, &row, row.describe()+": "+text)); err != nil {
		return err
	}
	if row.Problem != "" && !row.ToldAt.IsZero() {
		if err := s.tellPublished(tx, &row, DNSWritten, fmt.Sprintf("%s: %s is right in DNS now", row.Owner, row.describe())); err != nil {
			return err
		}
	}
	row.Problem, row.Foreign, row.ToldAt, row.Attempts, row.NextAt = "", false, time.Time{}, 0, row.Until
	if row.Want == "" {
		return tx.DeletePublished(row.Driver, row.Name, row.Type)
	}
	if err := tx.PutPublished(row); err != nil {
		return err
	}
	return s.confirmSoon(tx, actor, &row)
}

// failed puts another attempt off, and tells of it when it is for a person to mend.
func (s *Service) failed(tx Tx, actor string, row *Published, o DNSOutcome) error {
	now := s.now()
	was := row.Problem
	row.Foreign = o.Verdict == DNSForeign
	delay := min(publishRetryFirst<<min(max(row.Attempts-1, 0), 12), publishRetryMost)
	row.Problem = foreignText(row, o)
	if !row.Foreign {
		row.Problem = o.Err.Error()
	} else {
		delay = max(delay, publishForeignRetry)
	}
	if len(row.Problem) > maxProblem {
		row.Problem = row.Problem[:maxProblem] + "…"
	}
	row.NextAt = now.Add(delay)
	if row.Problem != was {
		if err := tx.Append(s.publishEntry(actor, row, row.describe()+": "+row.Problem)); err != nil {
			return err
		}
	}
	if row.ToldAt.IsZero() && (row.Foreign || row.Attempts >= publishTellAfter) {
		row.ToldAt = now
		text := fmt.Sprintf("%s: the driver %s cannot see to %s: %s", row.Owner, row.Driver, row.describe(), row.Problem)
		if err := s.tellPublished(tx, row, DNSFailing, text); err != nil {
			return err
		}
	}
	return tx.PutPublished(*row)
}

// maxProblem bounds what a driver says.
const maxProblem = 1000

func foreignText(row *Published, o DNSOutcome) string {
	if row.Want == "" {
		return fmt.Sprintf("beside our record %s of %s there is another one, which postseal did not write; both are left: remove them yourself", row.Type, row.Name)
	}
	text := fmt.Sprintf("%s has a record that postseal did not write, and that is left as it is", row.Name)
	for i, r := range o.Was {
		if i < 3 {
			text += fmt.Sprintf(": %s %.100q", r.Type, r.Value)
		}
	}
	return text + ". Remove it there if it is not needed; then postseal writes its own"
}

func (s *Service) publishEntry(actor string, row *Published, reason string) Entry {
	return Entry{At: s.now(), Actor: actor, Verb: "dns " + row.Driver, Domain: row.Owner, Reason: reason}
}

func (s *Service) tellPublished(tx Tx, row *Published, event Event, text string) error {
	now := s.now()
	n := Notice{At: now, NextAt: now, Event: event, Domain: row.Owner, Text: text}
	if d, err := tx.Domain(row.Owner); err == nil {
		n.Contact = d.Contact
	}
	return tx.PutNotice(n)
}

// confirmSoon starts the polling of a key anew whose record was written just now, so that
// DNS is asked quickly. Publishing itself confirms nothing.
func (s *Service) confirmSoon(tx Tx, actor string, row *Published) error {
	before, err := load(tx, row.Owner)
	if err != nil {
		return ignoreNotFound(err)
	}
	l := s.life(before, actor, "dns "+row.Driver)
	for _, k := range l.keys {
		if k.State != Pending && k.State != Failed || !row.serves(k) {
			continue
		}
		if k.State == Failed {
			l.move(k, Pending, "the record was written by the driver %s", row.Driver)
		}
		l.openWindow(k)
		l.schedule(k)
	}
	return l.save(tx, before)
}
