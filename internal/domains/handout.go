package domains

import "context"

// HandOut lets keys whose records were withheld set out: somebody has the records
// from now on, and DNS is polled (T2).
func (s *Service) HandOut(ctx context.Context, actor, name string) error {
	now, err := s.view(ctx, name)
	if err != nil || find(now.Keys, withheld) == nil {
		return err
	}
	return s.change(ctx, actor, "records", name, func(_ Tx, l *life) error {
		for _, k := range l.keys {
			if withheld(k) {
				l.begin(k, AddRequest{})
			}
		}
		return nil
	})
}

func withheld(k *Key) bool { return k.State == Generated }
