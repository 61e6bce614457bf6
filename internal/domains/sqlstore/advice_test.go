package sqlstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/postseal/postseal/internal/domains"
)

// What another try does not mend says what to do. (test/start has the rest, on real disks and as the service's user.)
func TestAdvice(t *testing.T) {
	s := &Store{engine: &engine{name: "store postgres://db/x", weigh: weighPostgres, advise: advisePostgres}}
	for name, c := range map[string]struct {
		err  error
		want string
		away bool
	}{
		"password":   {&pgconn.PgError{Code: "28P01", Message: "no"}, "the password in [store] url, or in the passfile, is not that of the user", false},
		"pg_hba":     {&pgconn.PgError{Code: "28000", Message: "no"}, "see its pg_hba.conf", false},
		"database":   {&pgconn.PgError{Code: "3D000", Message: "no"}, "make the database (createdb --owner USER DATABASE)", false},
		"privilege":  {&pgconn.PgError{Code: "42501", Message: "no"}, "has to own the database", false},
		"empty":      {&pgconn.PgError{Code: "42P01", Message: "no"}, "gets its tables when the service starts", false},
		"nobody":     {&pgconn.ConnectError{Config: &pgconn.Config{}}, "is the server up, and may this host reach it", true},
		"full":       {&pgconn.PgError{Code: "53100", Message: "no"}, "its disk is full; nothing was changed; make room there and try again", true},
		"is stopped": {&pgconn.PgError{Code: "57P01", Message: "terminated"}, "terminated", true},
		"another":    {errors.New("something"), "store postgres://db/x: open: something", false},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.explain("open", c.err)
			if !strings.Contains(err.Error(), c.want) || errors.Is(err, domains.ErrUnavailable) != c.away || !errors.Is(err, c.err) {
				t.Errorf("%v (away: %v), want %q", err, !c.away, c.want)
			}
		})
	}
}

// A full disk may have room later; a directory that is missing or closed will not come by itself.
func TestUnmade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "postseal.db")
	for errno, away := range map[syscall.Errno]bool{syscall.ENOSPC: true, syscall.EDQUOT: true, syscall.ENOENT: false, syscall.EROFS: false} {
		err := unmade(path, &os.PathError{Op: "open", Path: path, Err: errno})
		if errors.Is(err, domains.ErrUnavailable) != away || !strings.Contains(fmt.Sprint(err), "; ") {
			t.Errorf("%v: %v", errno, err)
		}
	}
}
