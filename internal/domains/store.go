package domains

import (
	"context"
	"errors"
	"time"
)

// What a store says that somebody branches on.
var (
	// ErrNotFound is a row that does not exist.
	ErrNotFound = errors.New("not found")
	// ErrUnavailable is a store that cannot be reached or is busy for too long;
	// the same operation may work later (exit code 6).
	ErrUnavailable = errors.New("the store is not available")
	// ErrSealed is a private half that the identity at hand does not open.
	ErrSealed = errors.New("the private half cannot be unsealed")
)

// Store keeps everything. All times are UTC with microseconds.
type Store interface {
	// View runs f on a consistent reading of the store. f may run again if the
	// engine asks for it, and must not write.
	View(ctx context.Context, f func(Tx) error) error
	// Update runs f in one serialised transaction: all that f wrote is durable
	// when Update returns nil, and nothing of it otherwise. f may run again if
	// the engine asks for it.
	Update(ctx context.Context, f func(Tx) error) error
	// Changes gives a channel that receives within a second of any commit, of
	// this process or another, and after every reconnect. Commits may share one
	// receive. It is closed when ctx ends.
	Changes(ctx context.Context) <-chan struct{}
}

// Tx is one transaction. Rows are values: what a method returns may be changed
// freely and is stored by Put only. A Put inserts or replaces the whole row.
// Methods that give one row answer ErrNotFound if it does not exist; a Delete of
// what does not exist is no error.
type Tx interface {
	DomainTx
	KeyTx
	DeclarationTx
	RecordTx
	PublishedTx

	// Version counts what signing depends on; Bump adds one and returns it.
	Version() (int64, error)
	Bump() (int64, error)

	// Lease is the zero Lease if nobody ever held it.
	Lease() (Lease, error)
	PutLease(Lease) error

	Hosts() ([]Host, error) // by name, then process
	PutHost(Host) error
	DeleteHost(name, process string) error
}

// DomainTx are the rows of domains, users and candidates.
type DomainTx interface {
	Domain(name string) (Domain, error)
	// Domains lists up to limit rows with a name above after, by name in byte
	// order; deleted ones too.
	Domains(after string, limit int) ([]Domain, error)
	// DomainsOf is Domains of one Domain.Owner.
	DomainsOf(owner, after string, limit int) ([]Domain, error)
	PutDomain(Domain) error
	DeleteDomain(name string) error

	User(match string) (User, error)
	Users() ([]User, error)               // by Position, then Match
	UsersOf(owner string) ([]User, error) // of one User.Owner, as Users
	PutUser(User) error
	DeleteUser(match string) error

	Candidate(domain string) (Candidate, error)
	Candidates(after string, limit int) ([]Candidate, error) // as Domains
	PutCandidate(Candidate) error
	DeleteCandidate(domain string) error

	// CandidatesToldAt is when new candidates were told last.
	CandidatesToldAt() (time.Time, error)
	PutCandidatesToldAt(time.Time) error
}

// DeclarationTx are the rows that say which host's tables have which keys.
type DeclarationTx interface {
	// Declarations lists up to limit rows above after, by Domain, Selector, Print,
	// Host.
	Declarations(after Declaration, limit int) ([]Declaration, error)
	// DeclarationsOf lists those of a domain, in the same order.
	DeclarationsOf(domain string) ([]Declaration, error)
	PutDeclaration(Declaration) error
	DeleteDeclaration(Declaration) error // whatever its Gated
}

// KeyTx are the rows of keys.
type KeyTx interface {
	Key(id string) (Key, error)
	// KeysOf lists the keys of a Domain.Name, oldest first (CreatedAt, then ID).
	KeysOf(owner string) ([]Key, error)
	// KeysIn lists the keys with this d=, of whatever row, oldest first.
	KeysIn(domain string) ([]Key, error)
	// KeysNamed lists the keys with this d= and s=, newest first. In CNAME modes
	// a selector is used again after retirement.
	KeysNamed(domain, selector string) ([]Key, error)
	// KeysPrinted lists the keys with this fingerprint, oldest first.
	KeysPrinted(print string) ([]Key, error)
	// Keys lists up to limit keys by Owner, then ID, above (afterOwner, afterID).
	Keys(afterOwner, afterID string, limit int) ([]Key, error)
	// Due lists up to limit keys with a NextCheckAt that is set and not after t,
	// earliest first.
	Due(t time.Time, limit int) ([]Key, error)
	PutKey(Key) error
	DeleteKey(id string) error // with its private half and check runs

	// MarkSigned sets LastSignedAt of a key to at, if that is later.
	MarkSigned(id string, at time.Time) error

	// PutPrivate seals a private half (PKCS#8 in PEM) and keeps it; Private
	// unseals it (ErrNotFound, ErrSealed); DeletePrivate deletes the sealed form
	// for good.
	PutPrivate(id string, pem []byte) error
	Private(id string) ([]byte, error)
	DeletePrivate(id string) error
}

// RecordTx are journal, tombstones, checks and outbox.
type RecordTx interface {
	// Append adds a line to the journal; its ID is the store's.
	Append(Entry) error
	// Journal lists lines, oldest first.
	Journal(JournalQuery) ([]Entry, error)

	PutTombstone(Tombstone) error // one for each Domain, Selector and Print
	Tombstones(domain, selector string) ([]Tombstone, error)

	// PutRun adds a check to the history of a key, of which the latest HistoryRuns
	// are kept.
	PutRun(CheckRun) error
	Runs(keyID string, limit int) ([]CheckRun, error) // newest first

	// PutNotice adds to the outbox if ID is 0, and replaces otherwise.
	PutNotice(Notice) error
	// Notices lists up to limit notices with NextAt not after t, oldest first.
	Notices(t time.Time, limit int) ([]Notice, error)
	DeleteNotice(id int64) error
}

// PublishedTx are the records that drivers write.
type PublishedTx interface {
	Published(driver, name, kind string) (Published, error)
	PublishedOf(owner string) ([]Published, error) // by Name, Type, Driver
	// PublishedDue lists up to limit records of a driver with a NextAt that is set and not
	// after t, earliest first.
	PublishedDue(driver string, t time.Time, limit int) ([]Published, error)
	// PublishedDrivers lists the drivers that have records with a NextAt, in byte order.
	PublishedDrivers() ([]string, error)
	// PublishedBelow lists those of a driver whose Name is an apex or below it, by Name, Type.
	PublishedBelow(driver, apex string) ([]Published, error)
	// PublishedInKeyZone lists those with Zoned, by Name, Type, Driver.
	PublishedInKeyZone() ([]Published, error)
	PutPublished(Published) error
	DeletePublished(driver, name, kind string) error
}

// HistoryRuns is how many checks of a key are kept.
const HistoryRuns = 20

// JournalQuery selects lines of the journal.
type JournalQuery struct {
	Domain string    // Entry.Domain; empty: all
	Owner  string    // instead of Domain: about this tenant's domains, from Domain.OwnFrom, and users, from User.OwnedSince
	Since  time.Time // zero: from the beginning
	After  int64     // IDs above this
	Last   bool      // the last Limit lines instead of the first; still oldest first
	Limit  int       // 0: no limit
}
