package domains

import (
	"context"
	"fmt"

	"github.com/postseal/postseal/dkim"
)

// ImportRequest brings a pair that exists.
type ImportRequest struct {
	AddRequest // Selector is needed; Algorithms and Bits are the key's
	PEM        []byte
	// Adopt takes a key that signs elsewhere already into service at once, if DNS
	// confirms it in one look.
	Adopt bool
}

// Import takes a private key into the store. Its record is validated as that of
// a new key is.
func (s *Service) Import(ctx context.Context, actor string, r ImportRequest) (Added, error) {
	d, err := s.newDomain(r.AddRequest)
	if err != nil {
		return Added{}, err
	}
	if err := s.modeOfRow(ctx, &d, r.Publish); err != nil {
		return Added{}, err
	}
	if d.Publish != PublishTXT {
		return Added{}, &Refused{
			Rule: "import-txt", What: "a key that comes in has a TXT record of its own already",
			Way: fmt.Sprintf("import it with --publish txt; then `domain set %s --publish %s` keeps the key", d.Name, d.Publish),
		}
	}
	if r.Selector == "" {
		return Added{}, invalid("", "is no selector", "say under which selector the key is published")
	}
	if d.Activation == ActivateImmediate && !r.Yes {
		return Added{}, &Unconfirmed{"OCR-22", ImmediateWarning}
	}
	private, err := dkim.ParsePrivateKey(r.PEM)
	if err != nil {
		return Added{}, invalid("the key", "cannot be used", err.Error())
	}
	draft, err := newDraft(private)
	if err != nil {
		return Added{}, err
	}
	draft.Key.Imported = true
	if !r.Adopt {
		return s.add(ctx, actor, "import", d, []Draft{draft}, r.AddRequest)
	}
	return s.adopt(ctx, actor, d, draft, r)
}

func (s *Service) adopt(ctx context.Context, actor string, d Domain, draft Draft, r ImportRequest) (Added, error) {
	drafts := []Draft{draft}
	if err := s.place(ctx, &d, drafts, placement{selector: r.Selector, relaxed: true, offline: true}); err != nil {
		return Added{}, err
	}
	subject, err := s.subject(ctx, &d, &drafts[0].Key, drafts[0].Private, true)
	if err != nil {
		return Added{}, err
	}
	result := s.checker.Check(ctx, subject)
	if classOf(&result) != good {
		return Added{}, &Refused{
			Rule: "INF-17", What: fmt.Sprintf("DNS does not confirm %s: %s", dkim.RecordName(drafts[0].Key.Selector, drafts[0].Key.Domain), result.Verdict),
			Way: "import it without adopting it, and it signs once DNS has it",
		}
	}
	added, err := s.add(ctx, actor, "import", d, drafts, AddRequest{Selector: r.Selector, RelaxedSelector: true, Withhold: true, Offline: true})
	if err != nil {
		return added, err
	}
	err = s.change(ctx, actor, "import", d.Name, func(_ Tx, l *life) error {
		k := l.key(drafts[0].Key.ID)
		if k == nil || k.State != Generated {
			return nil // somebody was faster
		}
		l.openWindow(k)
		l.remember(k, &result)
		l.health(k, goodHealth(&result), reasonOf(&result), &result)
		l.verified(k)
		l.activate(k, "in service elsewhere, and confirmed by DNS")
		added = l.added(drafts)
		return nil
	})
	return added, err
}
