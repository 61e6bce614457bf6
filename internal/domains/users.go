package domains

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/postseal/postseal/internal/mailaddr"
)

// SetUser makes or replaces the row of an outgoing user. Key must name what is
// managed here: a bare selector is completed where it is unique (MA-15, ruling
// 12).
func (s *Service) SetUser(ctx context.Context, actor string, u User) (User, error) {
	return s.EditUser(ctx, actor, u.Match, func(row *User) { *row = u })
}

// EditUser is SetUser for who knows a part of the row only: edit gets the one that is
// there, or a new one, and may run again.
func (s *Service) EditUser(ctx context.Context, actor, match string, edit func(*User)) (out User, err error) {
	if match, err = parseMatch(match); err != nil {
		return User{Match: match}, err
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		was, err := tx.User(match)
		if ignoreNotFound(err) != nil {
			return err
		}
		out = was
		edit(&out)
		if out.Match, out.OwnedSince = match, was.OwnedSince; out.Owner != was.Owner {
			out.OwnedSince = s.now()
		}
		if err := checkUser(&out); err != nil {
			return err
		}
		if out.Key != "" {
			if out.Key, err = resolveKey(tx, out.Key); err != nil {
				return err
			}
		}
		if err := tx.PutUser(out); err != nil {
			return err
		}
		if err := s.lend(whole(tx), actor); err != nil { // as SetUserKey
			return err
		}
		return s.userChanged(tx, actor, "user set", out.Match, describeUser(out))
	})
	return out, err
}

// checkUser refuses what makes no sense, and writes domains as they are compared.
func checkUser(u *User) (err error) {
	u.Domains = slices.Clone(u.Domains)
	for i, d := range u.Domains {
		name, below := strings.CutPrefix(d, ".")
		if name, err = ParseDomain(name, true); err != nil {
			return err
		}
		if u.Domains[i] = name; below {
			u.Domains[i] = "." + name
		}
	}
	if !isLine(u.Owner) {
		return badOwner(u.Owner)
	}
	if u.Reauth && u.Key != "" {
		return uselessSelector()
	}
	return checkLending(u)
}

// DeleteUser removes the row of an outgoing user.
func (s *Service) DeleteUser(ctx context.Context, actor, match string) error {
	return s.store.Update(ctx, func(tx Tx) error {
		if _, err := tx.User(match); err != nil {
			return unknownUser(match, err)
		}
		if err := tx.DeleteUser(match); err != nil {
			return err
		}
		if err := s.lend(whole(tx), actor); err != nil {
			return err
		}
		return s.userChanged(tx, actor, "user del", match, "deleted")
	})
}

// SwitchUser enables or disables signing for an outgoing user.
func (s *Service) SwitchUser(ctx context.Context, actor, match string, on bool) error {
	return s.store.Update(ctx, func(tx Tx) error {
		u, err := tx.User(match)
		if err != nil {
			return unknownUser(match, err)
		}
		u.Disabled = !on
		if err := tx.PutUser(u); err != nil {
			return err
		}
		if err := s.lend(whole(tx), actor); err != nil {
			return err
		}
		return s.userChanged(tx, actor, "user set", match, describeUser(u))
	})
}

// Users lists the rows in the order in which they are tried.
func (s *Service) Users(ctx context.Context) (users []User, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) {
		users, err = tx.Users()
		return err
	})
	return users, err
}

func (s *Service) userChanged(tx Tx, actor, verb, match, what string) error {
	if _, err := tx.Bump(); err != nil {
		return err
	}
	return tx.Append(Entry{At: s.now(), Actor: actor, Verb: verb, Domain: match, Reason: what})
}

func unknownUser(match string, err error) error {
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	return &Refused{Rule: "no-such-user", What: "there is no row " + match, Way: "`postseal user list` shows the rows", Err: ErrNotFound}
}

func describeUser(u User) string {
	var words []string
	if u.Key != "" {
		words = append(words, "key "+u.Key)
	}
	if len(u.Domains) > 0 {
		words = append(words, "domains "+strings.Join(u.Domains, ","))
	}
	if u.FromAsD {
		words = append(words, "d= of the sender where its DNS has the key")
	}
	if u.Reauth {
		words = append(words, "reauth")
	}
	if u.Disabled {
		words = append(words, "never signed")
	}
	if len(words) == 0 {
		return "no key"
	}
	return strings.Join(words, ", ")
}

// parseMatch checks sasl:LOGIN, sasl-domain:DOMAIN, ip:NETWORK and daemon:NAME
// (MA-16).
func parseMatch(text string) (string, error) {
	kind, value, _ := strings.Cut(strings.TrimSpace(text), ":")
	if value == "" || len(value) > 320 || strings.Contains(value, " ") || !isLine(value) {
		return "", invalid(text, "is no match for outgoing users", "say sasl:LOGIN, sasl-domain:DOMAIN, ip:NETWORK or daemon:NAME")
	}
	switch kind {
	case "sasl":
		return kind + ":" + strings.ToLower(value), nil
	case "sasl-domain":
		domain, err := mailaddr.ALabels(value)
		if err != nil {
			return "", invalid(text, "has no domain", err.Error())
		}
		return kind + ":" + domain, nil
	case "ip":
		return parseNetwork(text, value)
	case "daemon":
		return kind + ":" + value, nil
	}
	return "", invalid(text, "is no match for outgoing users", "say sasl:LOGIN, sasl-domain:DOMAIN, ip:NETWORK or daemon:NAME")
}

func parseNetwork(text, value string) (string, error) {
	if a, err := netip.ParseAddr(value); err == nil {
		return "ip:" + a.String(), nil
	}
	p, err := netip.ParsePrefix(value)
	if err != nil {
		return "", invalid(text, "has no address or network", "say ip:192.0.2.1 or ip:192.0.2.0/24")
	}
	if p != p.Masked() {
		return "", invalid(text, "has host bits", "say ip:"+p.Masked().String())
	}
	return "ip:" + p.String(), nil
}

// resolveKey completes DOMAIN, DOMAIN/SELECTOR or a bare selector.
func resolveKey(tx Tx, ref string) (string, error) {
	name, selector, both := strings.Cut(ref, "/")
	if d, err := tx.Domain(name); err == nil && d.DeletedAt.IsZero() {
		if d.Watched() || d.IsSharedSet() {
			return "", &Refused{Rule: "MA-15", What: "the keys of " + name + " are those of other rows", Way: "say the domain whose keys they are; `domain list` shows them"}
		}
		return ref, hasSelector(tx, name, selector, both)
	} else if err != nil && !errors.Is(err, ErrNotFound) {
		return "", err
	}
	if both {
		return "", unknownDomain(name)
	}
	return uniqueSelector(tx, strings.ToLower(ref))
}

func hasSelector(tx Tx, name, selector string, wanted bool) error {
	if !wanted {
		return nil
	}
	keys, err := tx.KeysOf(name)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.Selector == selector {
			return nil
		}
	}
	return unknownKey(name, selector)
}

func uniqueSelector(tx Tx, selector string) (string, error) {
	var owners []string
	err := eachKey(tx, func(k Key) {
		if k.Selector == selector && k.living() && !isWatched(k.Owner) && !slices.Contains(owners, k.Owner) {
			owners = append(owners, k.Owner)
		}
	})
	switch {
	case err != nil:
		return "", err
	case len(owners) == 0:
		return "", &Refused{
			Rule: "MA-15", What: "no domain or selector " + selector + " is managed here", Way: "`domain list` shows them; say DOMAIN or DOMAIN/SELECTOR", Err: ErrNotFound,
		}
	case len(owners) > 1:
		return "", &Refused{Rule: "MA-15", What: "the selector " + selector + " belongs to several domains", Way: "say DOMAIN/" + selector}
	}
	return owners[0] + "/" + selector, nil
}
