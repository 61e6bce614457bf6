// Package postgres runs a private PostgreSQL as the user postgres, which the tests may stop, kill and freeze.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/child"
)

// Port is where it listens.
const Port = 5432

// Server is a PostgreSQL cluster of its own.
type Server struct {
	dir      string // of data, socket and log
	address  string
	programs string // where initdb and postgres are
	account  *syscall.Credential
	process  *child.Process
	created  atomic.Int64 // databases
}

// New makes a cluster in dir, which is made, and starts it on 127.0.0.1. Its databases want a password over TCP, as a real one does.
func New(dir string) (*Server, error) { return NewAt(dir, "127.0.0.1") }

// NewAt is New on another address, for clients from anywhere.
func NewAt(dir, address string) (*Server, error) {
	s := &Server{dir: dir, address: address}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return nil, errors.New("no /usr/lib/postgresql/*/bin/initdb (test/setup installs PostgreSQL)")
	}
	s.programs = filepath.Dir(found[len(found)-1])
	if s.account, err = account("postgres"); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	if err := os.Chown(dir, int(s.account.Uid), int(s.account.Gid)); err != nil {
		return nil, err
	}
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte(Password+"\n"), 0o644); err != nil {
		return nil, err
	}
	initdb := s.command("initdb", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=scram-sha-256",
		"--username=postseal", "--pwfile="+password, "-D", filepath.Join(dir, "data"))
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return s, errors.Join(s.admit(), s.Start())
}

// admit lets clients in from everywhere, not only from 127.0.0.1.
func (s *Server) admit() error {
	f, err := os.OpenFile(filepath.Join(s.dir, "data", "pg_hba.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("host all all all scram-sha-256\n")
	return errors.Join(err, f.Close())
}

// Password is that of the user postseal.
const Password = "a secret:/@?#%"

func account(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(uidErr, gidErr)
}

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.programs, program), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.account}
	return cmd
}

// Start starts the server and returns when it answers.
func (s *Server) Start() error {
	p, err := child.Start(s.command("postgres", "-D", filepath.Join(s.dir, "data"), "-k", s.dir, "-p", strconv.Itoa(Port),
		"-c", "listen_addresses="+s.address, "-c", "fsync=off", "-c", "log_line_prefix=%d "), filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	s.process = p
	if err := p.Ready(filepath.Join(s.dir, ".s.PGSQL."+strconv.Itoa(Port))); err != nil {
		return err
	}
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	if err := await.That("PostgreSQL answers", func() bool { return db.Ping() == nil }); err != nil {
		return fmt.Errorf("%w\n%s", err, p.Log())
	}
	return nil
}

// Stop ends it as an administrator who is in a hurry does: connections are cut, nothing is lost.
func (s *Server) Stop() error {
	_ = s.process.Signal(syscall.SIGINT) // "fast shutdown"
	return s.process.Wait()
}

// Crash ends the server and all its processes at once without a word to the clients' transactions ("immediate shutdown").
func (s *Server) Crash() error {
	_ = s.process.Signal(syscall.SIGQUIT)
	return s.process.Wait()
}

// Log is what the server said.
func (s *Server) Log() []byte { return s.process.Log() }

// Create makes an empty database and returns its URL, over TCP with a password. Its name is the first word of each line that
// the log has about it.
func (s *Server) Create() (string, error) {
	name := fmt.Sprintf("store%d", s.created.Add(1))
	return s.url(name), s.Run("CREATE DATABASE " + name)
}

// Run runs a statement as the superuser.
func (s *Server) Run(statement string) error {
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(context.Background(), statement)
	return err
}

// Row reads the only row of a question to the database at url.
func Row(url, question string, fields ...any) error {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.QueryRowContext(context.Background(), question).Scan(fields...)
}

func (s *Server) url(database string) string {
	return URL(s.address+":"+strconv.Itoa(Port), database)
}

// URL is that of a database of this server behind address.
func URL(address, database string) string {
	return "postgres://postseal:a%20secret%3A%2F%40%3F%23%25@" + address + "/" + database + "?sslmode=disable"
}
