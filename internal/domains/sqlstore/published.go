package sqlstore

import (
	"strings"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

var publishedTable = newTable("published", 3, func(p *domains.Published) []column {
	return []column{
		{"driver", text[string]{&p.Driver}},
		{"name", text[string]{&p.Name}},
		{"kind", text[string]{&p.Type}},
		{"owner", text[string]{&p.Owner}},
		{"zoned", flag{&p.Zoned}},
		{"stands", text[string]{&p.Value}},
		{"written_at", instant{&p.WrittenAt}},
		{"maybe", list[string]{&p.Maybe}},
		{"wanted", text[string]{&p.Want}},
		{"ttl", whole[int]{&p.TTL}},
		{"until", instant{&p.Until}},
		{"since", instant{&p.Since}},
		{"next_at", instant{&p.NextAt}},
		{"attempts", whole[int]{&p.Attempts}},
		{"problem", text[string]{&p.Problem}},
		{"alien", flag{&p.Foreign}},
		{"told_at", instant{&p.ToldAt}},
		{"revision", whole[int64]{&p.Revision}},
	}
})

func (t *tx) Published(driver, name, kind string) (domains.Published, error) {
	return publishedTable.one(t, "WHERE driver = $1 AND name = $2 AND kind = $3", driver, name, kind)
}

func (t *tx) PublishedOf(owner string) ([]domains.Published, error) {
	return publishedTable.list(t, "WHERE owner = $1 ORDER BY name, kind, driver", owner)
}

// PublishedBelow picks names out of the index: a driver may have a file for each of very many zones.
func (t *tx) PublishedBelow(driver, apex string) ([]domains.Published, error) {
	below := "%." + strings.NewReplacer("!", "!!", "_", "!_", "%", "!%").Replace(apex)
	return publishedTable.list(t, "WHERE driver = $1 AND (name = $2 OR name LIKE $3 ESCAPE '!') ORDER BY name, kind", driver, apex, below)
}

func (t *tx) PublishedInKeyZone() ([]domains.Published, error) {
	return publishedTable.list(t, "WHERE zoned = 1 ORDER BY name, kind, driver")
}

func (t *tx) PublishedDue(driver string, at time.Time, limit int) ([]domains.Published, error) {
	return publishedTable.list(t, dueOfDriver, micros(at), driver, limit)
}

// dueOfDriver and driversDue are asked after every change of the store: the index published_due answers both.
const (
	dueOfDriver = "WHERE next_at <> 0 AND next_at <= $1 AND driver = $2 ORDER BY next_at, name LIMIT $3"
	driversDue  = "SELECT DISTINCT driver FROM published WHERE next_at <> 0 ORDER BY driver"
)

func (t *tx) PublishedDrivers() (drivers []string, err error) {
	var driver string
	err = t.query(driversDue, nil, []any{&driver}, func() { drivers = append(drivers, driver) })
	return drivers, err
}

func (t *tx) PutPublished(p domains.Published) error { return publishedTable.put(t, p) }

func (t *tx) DeletePublished(driver, name, kind string) error {
	return t.exec("DELETE FROM published WHERE driver = $1 AND name = $2 AND kind = $3", driver, name, kind)
}
