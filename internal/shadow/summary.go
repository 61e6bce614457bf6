package shadow

import (
	"cmp"
	"errors"
	"slices"
)

// Bounds of what a summary keeps, whatever the number of messages.
const (
	maxKinds    = 100
	maxExamples = 3
)

// Kind is a difference that messages have in common: one remedy for all of them.
type Kind struct {
	Difference
	Messages int      `json:"messages"`
	Examples []string `json:"examples"` // the first files
}

// Summary is the outcome for many messages.
type Summary struct {
	Messages   int           `json:"messages"` // compared
	Verdicts   map[Level]int `json:"verdicts"`
	Foreign    int           `json:"foreign"` // without a signature of the old signer
	Unusable   []Unusable    `json:"unusable,omitempty"`
	Unread     int           `json:"unread"` // as many could not be compared; Unusable has the first
	Kinds      []*Kind       `json:"differences"`
	OtherKinds int           `json:"other_differences"` // not in Kinds, since there are too many of them
	Cut        bool          `json:"cut"`               // there were more messages than should be looked at
	DNSFailed  bool          `json:"dns_failed"`
}

// Unusable is a file that could not be compared.
type Unusable struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

// Add counts a report.
func (s *Summary) Add(path string, r *Report) {
	if s.Verdicts == nil {
		s.Verdicts = map[Level]int{}
	}
	s.Messages++
	s.Verdicts[r.Verdict]++
	s.DNSFailed = s.DNSFailed || r.DNSFailed
	counted := map[*Kind]bool{}
	for _, d := range r.All() {
		if d.Level == Note {
			continue
		}
		k := s.kind(d)
		if k == nil {
			s.OtherKinds++
		} else if !counted[k] {
			counted[k] = true
			k.Messages++
			k.Examples = appendExample(k.Examples, path)
		}
	}
}

// kind finds the kind of a difference: what has the same remedy is one kind, with the
// first as its example. nil: there are too many already.
func (s *Summary) kind(d Difference) *Kind {
	i := slices.IndexFunc(s.Kinds, func(k *Kind) bool {
		return k.What == d.What && k.Level == d.Level && cmp.Or(k.Advice, k.Text) == cmp.Or(d.Advice, d.Text)
	})
	switch {
	case i >= 0:
		return s.Kinds[i]
	case len(s.Kinds) == maxKinds:
		return nil
	}
	k := &Kind{Difference: d}
	s.Kinds = append(s.Kinds, k)
	return k
}

// Miss counts a file that could not be compared.
func (s *Summary) Miss(path string, err error) {
	if none := (*NoSignatureError)(nil); errors.As(err, &none) {
		s.Foreign++
		return
	}
	s.Unread++
	if len(s.Unusable) < maxExamples {
		s.Unusable = append(s.Unusable, Unusable{path, err.Error()})
	}
}

// Sort puts what weighs most, then what is most frequent, first.
func (s *Summary) Sort() {
	slices.SortStableFunc(s.Kinds, func(a, b *Kind) int {
		return cmp.Or(cmp.Compare(slices.Index(levels, b.Level), slices.Index(levels, a.Level)), cmp.Compare(b.Messages, a.Messages))
	})
}

// Verdict is the heaviest of the messages'; Note where none was compared.
func (s *Summary) Verdict() Level {
	worst := Note
	for level := range s.Verdicts {
		worst = heavier(worst, level)
	}
	return worst
}

func appendExample(list []string, path string) []string {
	if len(list) < maxExamples {
		list = append(list, path)
	}
	return list
}
