package domains

import (
	"context"
	"reflect"
)

// SetUserKey changes the fallback key of an outgoing user who has a row (MA-15), and
// nothing else of it. ref is as in SetUser; empty takes the key away.
func (s *Service) SetUserKey(ctx context.Context, actor, match, ref string) (User, error) {
	var u User
	err := s.store.Update(ctx, func(tx Tx) error {
		was, err := tx.User(match)
		if err != nil {
			return unknownUser(match, err)
		}
		u = was
		switch {
		case u.Reauth && ref != "":
			return uselessSelector()
		case ref == "":
			u.Key = ""
		default:
			if u.Key, err = resolveKey(tx, ref); err != nil {
				return err
			}
		}
		if reflect.DeepEqual(was, u) {
			return nil
		}
		if err := checkLending(&u); err != nil {
			return err
		}
		if err := tx.PutUser(u); err != nil {
			return err
		}
		if err := s.lend(whole(tx), actor); err != nil { // to domains that the operator has listed, whoever's row names them
			return err
		}
		return s.userChanged(tx, actor, "user set", u.Match, describeUser(u))
	})
	return u, err
}

func uselessSelector() error {
	return &Refused{
		Rule: "MA-1", What: "nothing is ever signed for a re-authenticating user, so a selector has no use",
		Way: "leave the selector out, or take the re-authentication away",
	}
}
