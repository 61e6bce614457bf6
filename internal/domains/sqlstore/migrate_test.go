package sqlstore

import (
	"path/filepath"
	"reflect"
	"testing"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/seal"
)

// The step to schema 5 keeps the hosts, and takes what was watched for every host's: none of
// them may find its rows gone before it could say what its tables have.
func TestHostsAndTablesMoveOn(t *testing.T) {
	all, err := steps()
	if err != nil {
		t.Fatal(err)
	}
	url := filepath.Join(t.TempDir(), "postseal.db")
	e, err := openSQLite(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	old := &Store{engine: e, timeout: defaultTimeout, known: len(all)}
	if err := old.migration(t.Context(), all[:4]); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		`INSERT INTO hosts VALUES ('mx1', 1000000, 7), ('mx2', 2000000, 8)`,
		`INSERT INTO domains (name, enabled, requested, activation, publish, slots, on_missing, owner, contact, driver, subdomains, dual_sign, disabled_fallback,
			retire_after, rotate_every, created_at, published_claimed_at, deleted_at)
			SELECT n, 1, 0, 'verified', 'txt', 0, '', '', '', '', 0, 0, 0, 0, 0, 1, 0, 0 FROM (SELECT 'table:a.example' AS n UNION SELECT 'b.example')`,
	} {
		if _, err := e.write.ExecContext(t.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
	insert := `INSERT INTO keys SELECT 'k-' || d.name, d.name, replace(d.name, 'table:', ''), 's1', 'rsa-sha256'`
	rows, err := e.read.QueryContext(t.Context(), `SELECT name, type FROM pragma_table_info('keys') ORDER BY cid LIMIT -1 OFFSET 5`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			t.Fatal(err)
		}
		insert += map[string]string{"INTEGER": ", 0", "BLOB": ", x''", "TEXT": ", '" + name + "'"}[kind]
	}
	rows.Close()
	if _, err := e.write.ExecContext(t.Context(), insert+" FROM domains d"); err != nil {
		t.Fatal(err)
	}
	e.write.Close()
	e.read.Close()

	s, err := Open(t.Context(), "sqlite:"+url, Options{Seal: seal.Source{File: filepath.Join(t.TempDir(), "identity")}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.View(t.Context(), func(tx domains.Tx) error {
		hosts, err := tx.Hosts()
		if len(hosts) != 2 || hosts[0].Name != "mx1" || hosts[0].Version != 7 || hosts[1].SeenAt.Unix() != 2 {
			t.Errorf("hosts: %+v", hosts)
		}
		if err != nil {
			return err
		}
		got, err := tx.Declarations(domains.Declaration{}, 10)
		want := []domains.Declaration{
			{Domain: "a.example", Selector: "s1", Print: "fingerprint", Host: "mx1", Gated: true},
			{Domain: "a.example", Selector: "s1", Print: "fingerprint", Host: "mx2", Gated: true},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("tables: %+v, want %+v", got, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
