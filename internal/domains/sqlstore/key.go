package sqlstore

import (
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// algorithm is stored by the name that a= has.
type algorithm struct{ field *dkim.Algorithm }

func (c algorithm) Value() (driver.Value, error) { return c.field.String(), nil }

func (c algorithm) Scan(v any) (err error) {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("%T where an algorithm belongs", v)
	}
	*c.field, err = dkim.ParseAlgorithm(s)
	return err
}

var keyTable = newTable("keys", 1, func(k *domains.Key) []column {
	return []column{
		{"id", text[string]{&k.ID}},
		{"owner", text[string]{&k.Owner}},
		{"domain", text[string]{&k.Domain}},
		{"selector", text[string]{&k.Selector}},
		{"algorithm", algorithm{&k.Algorithm}},
		{"bits", whole[int]{&k.Bits}},
		{"record", text[string]{&k.Record}},
		{"public_half", octets{&k.Public}},
		{"fingerprint", text[string]{&k.Print}},
		{"slot", whole[int]{&k.Slot}},
		{"target", text[string]{&k.Target}},
		{"pair", text[string]{&k.Pair}},
		{"imported", flag{&k.Imported}},
		{"replaces", text[string]{&k.Replaces}},
		{"state", text[domains.State]{&k.State}},
		{"compromised", flag{&k.Compromised}},
		{"health_status", text[domains.HealthStatus]{&k.Health.Status}},
		{"health_reason", text[domains.Reason]{&k.Health.Reason}},
		{"health_code", text[string]{&k.Health.Code}},
		{"health_text", text[string]{&k.Health.Text}},
		{"health_fix", text[string]{&k.Health.Fix}},
		{"health_since", instant{&k.Health.Since}},
		{"health_retry_at", instant{&k.Health.RetryAt}},
		{"created_at", instant{&k.CreatedAt}},
		{"pending_since", instant{&k.PendingSince}},
		{"deadline", instant{&k.Deadline}},
		{"verified_at", instant{&k.VerifiedAt}},
		{"hold_until", instant{&k.HoldUntil}},
		{"activated_at", instant{&k.ActivatedAt}},
		{"suspended_at", instant{&k.SuspendedAt}},
		{"retiring_since", instant{&k.RetiringSince}},
		{"last_signed_at", instant{&k.LastSignedAt}},
		{"retired_at", instant{&k.RetiredAt}},
		{"dns_gone_at", instant{&k.DNSGoneAt}},
		{"destroyed_at", instant{&k.DestroyedAt}},
		{"compromised_at", instant{&k.CompromisedAt}},
		{"retiring_version", whole[int64]{&k.RetiringVersion}},
		{"good_count", whole[int]{&k.Good.Count}},
		{"good_first", instant{&k.Good.First}},
		{"bad_count", whole[int]{&k.Bad.Count}},
		{"bad_first", instant{&k.Bad.First}},
		{"next_check_at", instant{&k.NextCheckAt}},
		{"last_check_at", instant{&k.LastCheckAt}},
		{"full_check_at", instant{&k.FullCheckAt}},
		{"ttl", whole[int64]{&k.TTL}},
		{"warned_at", instant{&k.WarnedAt}},
		{"reminded_at", instant{&k.RemindedAt}},
		{"advised_at", instant{&k.AdvisedAt}},
		{"blocked_at", instant{&k.BlockedAt}},
		{"ttl_seen_old", whole[int64]{&k.TTLSeenOld}},
		{"seen_before", flag{&k.SeenBefore}},
		{"revision", whole[int64]{&k.Revision}},
	}
})

func (t *tx) Key(id string) (domains.Key, error) { return keyTable.one(t, "WHERE id = $1", id) }

func (t *tx) KeysOf(owner string) ([]domains.Key, error) {
	return keyTable.list(t, "WHERE owner = $1 ORDER BY created_at, id", owner)
}

func (t *tx) KeysIn(domain string) ([]domains.Key, error) {
	return keyTable.list(t, "WHERE domain = $1 ORDER BY created_at, id", domain)
}

func (t *tx) KeysNamed(domain, selector string) ([]domains.Key, error) {
	return keyTable.list(t, "WHERE domain = $1 AND selector = $2 ORDER BY created_at DESC, id DESC", domain, selector)
}

func (t *tx) KeysPrinted(print string) ([]domains.Key, error) {
	return keyTable.list(t, "WHERE fingerprint = $1 ORDER BY created_at, id", print)
}

func (t *tx) Keys(afterOwner, afterID string, limit int) ([]domains.Key, error) {
	return keyTable.list(t, "WHERE (owner, id) > ($1, $2) ORDER BY owner, id LIMIT $3", afterOwner, afterID, limit)
}

func (t *tx) Due(at time.Time, limit int) ([]domains.Key, error) {
	return keyTable.list(t, "WHERE next_check_at <> 0 AND next_check_at <= $1 ORDER BY next_check_at, id LIMIT $2", micros(at), limit)
}

func (t *tx) PutKey(k domains.Key) error { return keyTable.put(t, k) }

func (t *tx) DeleteKey(id string) error {
	if err := t.DeletePrivate(id); err != nil {
		return err
	}
	if err := t.exec("DELETE FROM check_runs WHERE key_id = $1", id); err != nil {
		return err
	}
	return t.exec("DELETE FROM keys WHERE id = $1", id)
}
