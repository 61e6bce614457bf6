package domains

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/check"
)

// Checked is a key with what DNS said about it just now.
type Checked struct {
	Key    Key
	Result check.Result
}

// Verify looks at DNS now, whatever the schedule, and applies what follows
// (INF-15). A failed key gets a new window (T6, INF-27). The result is told
// (INF-16).
func (s *Service) Verify(ctx context.Context, actor, name string) ([]Checked, error) {
	now, err := s.view(ctx, name)
	if err != nil {
		return nil, err
	}
	if now.Domain.IsSharedSet() {
		return nil, isTheSet()
	}
	now = s.aligned(now)
	keys := verifiable(now.Keys)
	if len(keys) == 0 {
		return nil, &Refused{Rule: "nothing-to-verify", What: name + " has no key whose record could be in DNS", Way: "`add` makes one"}
	}
	results, err := s.askAll(ctx, now.Domain, keys)
	if err != nil {
		return nil, err
	}
	var out []Checked
	err = s.change(ctx, actor, "verify", name, func(_ Tx, l *life) error {
		out = nil
		l.realign()
		for i := range keys {
			k := l.key(keys[i].ID)
			if k == nil || k.State == Retired {
				continue // gone meanwhile
			}
			l.asked(k, &results[i])
			out = append(out, Checked{*k, results[i]})
		}
		return nil
	})
	for i := range out {
		if err == nil {
			err = s.stopLeaked(ctx, actor, out[i].Key, &out[i].Result)
		}
	}
	return out, err
}

// verifiable keys are those whose record is in DNS or should come.
func verifiable(keys []Key) []Key {
	var out []Key
	for _, k := range keys {
		if k.living() {
			out = append(out, k)
		}
	}
	return out
}

// asked applies a check that somebody asked for.
func (l *life) asked(k *Key, r *check.Result) {
	switch k.State {
	case Generated:
		l.handOut(k)
	case Failed:
		l.move(k, Pending, "retry")
		l.openWindow(k)
	}
	l.note(k, "asked DNS: %s", r.Verdict)
	l.checked(k, r)
	l.tell(DomainVerifyResult, k, "%s: %s", l.domain.Name, verifyText(k, r))
}

// verifyText tells live from correct (INF-16).
func verifyText(k *Key, r *check.Result) string {
	what := "the record of " + k.Selector
	switch {
	case k.State == Active && classOf(r) == good:
		return what + " is live and correct; mail is signed with it"
	case classOf(r) == good:
		return what + " is live and correct"
	case r.Verdict == check.Absent:
		return what + " is not live: " + k.Health.describe() + retryText(r)
	case r.Verdict == check.Temporary:
		return "DNS gives no answer about " + what + ": " + k.Health.describe() + retryText(r)
	}
	return what + " is not correct: " + k.Health.describe() + retryText(r)
}

func retryText(r *check.Result) string {
	if r.RetryAfter.IsZero() {
		return ". It can take hours; postseal keeps trying by itself."
	}
	return ". Try again after " + stamp(r.RetryAfter) + "; postseal keeps trying by itself."
}

// parallelChecks bounds the look-ups of one verb.
const parallelChecks = 8

// askAll asks the authoritative servers about keys of one row.
func (s *Service) askAll(ctx context.Context, d Domain, keys []Key) ([]check.Result, error) {
	if s.checker == nil {
		return nil, errors.New("no DNS to ask: this process has no checker")
	}
	results := make([]check.Result, len(keys))
	faults := make([]error, len(keys))
	var group sync.WaitGroup
	slots := make(chan struct{}, parallelChecks)
	for i := range keys {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			results[i], faults[i] = s.ask(ctx, &d, &keys[i], true)
		})
	}
	group.Wait()
	return results, errors.Join(faults...)
}

// ask asks DNS about a key, with a probe signature where the criterion wants one.
func (s *Service) ask(ctx context.Context, d *Domain, k *Key, full bool) (check.Result, error) {
	var private *dkim.PrivateKey
	if full && k.living() && !d.Watched() { // nobody verifies what a retired key has signed
		var err error
		if private, err = s.Private(ctx, k.ID); err != nil {
			return check.Result{}, fmt.Errorf("%s, selector %s: %w", k.Owner, k.Selector, err)
		}
	}
	subject, err := s.subject(ctx, d, k, private, full)
	if err != nil {
		return check.Result{}, err
	}
	return s.checker.Check(ctx, subject), nil
}
