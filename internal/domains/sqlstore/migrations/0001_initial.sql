-- Written for SQLite; engine.go translates the type names for PostgreSQL.
-- Times are microseconds since 1970 (0: not set), durations microseconds, flags 0 or 1, lists JSON.

-- One row: what the store knows about itself.
CREATE TABLE store (
	id           INTEGER PRIMARY KEY CHECK (id = 1),
	version      INTEGER NOT NULL DEFAULT 0,  -- counts what signing depends on
	probe        BLOB,                        -- sealed as private halves are: tells an identity that opens them from one that does not
	recipients   TEXT NOT NULL DEFAULT '',    -- for whom probe was sealed, age1…, blanks between
	lease_holder TEXT NOT NULL DEFAULT '',
	lease_number INTEGER NOT NULL DEFAULT 0,  -- grows with every change of holder
	lease_until  INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO store (id) VALUES (1);

CREATE TABLE domains (
	name                 TEXT PRIMARY KEY,    -- example.com or sales@example.com
	enabled              INTEGER NOT NULL,
	requested            INTEGER NOT NULL,
	activation           TEXT NOT NULL,
	publish              TEXT NOT NULL,
	slots                INTEGER NOT NULL,
	on_missing           TEXT NOT NULL,
	owner                TEXT NOT NULL,       -- tenant
	contact              TEXT NOT NULL,
	driver               TEXT NOT NULL,
	subdomains           INTEGER NOT NULL,
	dual_sign            INTEGER NOT NULL,
	disabled_fallback    INTEGER NOT NULL,
	retire_after         INTEGER NOT NULL,
	rotate_every         INTEGER NOT NULL,
	created_at           INTEGER NOT NULL,
	published_claimed_at INTEGER NOT NULL,
	deleted_at           INTEGER NOT NULL
) STRICT;

CREATE TABLE keys (
	id               TEXT PRIMARY KEY,
	owner            TEXT NOT NULL,           -- domains.name
	domain           TEXT NOT NULL,           -- d=
	selector         TEXT NOT NULL,           -- s=
	algorithm        TEXT NOT NULL,           -- a=
	bits             INTEGER NOT NULL,
	record           TEXT NOT NULL,
	public_half      BLOB NOT NULL,
	fingerprint      TEXT NOT NULL,
	slot             INTEGER NOT NULL,
	target           TEXT NOT NULL,
	imported         INTEGER NOT NULL,
	replaces         TEXT NOT NULL,
	state            TEXT NOT NULL,
	compromised      INTEGER NOT NULL,
	health_status    TEXT NOT NULL,
	health_reason    TEXT NOT NULL,
	health_code      TEXT NOT NULL,
	health_text      TEXT NOT NULL,
	health_fix       TEXT NOT NULL,
	health_since     INTEGER NOT NULL,
	health_retry_at  INTEGER NOT NULL,
	created_at       INTEGER NOT NULL,
	pending_since    INTEGER NOT NULL,
	deadline         INTEGER NOT NULL,
	verified_at      INTEGER NOT NULL,
	hold_until       INTEGER NOT NULL,
	activated_at     INTEGER NOT NULL,
	suspended_at     INTEGER NOT NULL,
	retiring_since   INTEGER NOT NULL,
	last_signed_at   INTEGER NOT NULL,
	retired_at       INTEGER NOT NULL,
	dns_gone_at      INTEGER NOT NULL,
	destroyed_at     INTEGER NOT NULL,
	compromised_at   INTEGER NOT NULL,
	retiring_version INTEGER NOT NULL,
	good_count       INTEGER NOT NULL,
	good_first       INTEGER NOT NULL,
	bad_count        INTEGER NOT NULL,
	bad_first        INTEGER NOT NULL,
	next_check_at    INTEGER NOT NULL,
	last_check_at    INTEGER NOT NULL,
	full_check_at    INTEGER NOT NULL,
	ttl              INTEGER NOT NULL,
	warned_at        INTEGER NOT NULL,
	reminded_at      INTEGER NOT NULL,
	advised_at       INTEGER NOT NULL,
	blocked_at       INTEGER NOT NULL,
	ttl_seen_old     INTEGER NOT NULL,
	seen_before      INTEGER NOT NULL,
	revision         INTEGER NOT NULL
) STRICT;
CREATE INDEX keys_by_owner ON keys (owner, id);
CREATE INDEX keys_by_name ON keys (domain, selector);
CREATE INDEX keys_due ON keys (next_check_at) WHERE next_check_at <> 0;

-- Apart from keys, so that no listing ever reads one.
CREATE TABLE private_halves (
	key_id TEXT PRIMARY KEY REFERENCES keys (id) DEFERRABLE INITIALLY DEFERRED,
	sealed BLOB NOT NULL                      -- age
) STRICT;

CREATE TABLE users (
	pattern   TEXT PRIMARY KEY,
	position  INTEGER NOT NULL,
	signs_as  TEXT NOT NULL,
	domains   TEXT NOT NULL,
	owner     TEXT NOT NULL,
	reauth    INTEGER NOT NULL,
	disabled  INTEGER NOT NULL,
	from_as_d INTEGER NOT NULL
) STRICT;

CREATE TABLE candidates (
	domain     TEXT PRIMARY KEY,
	source     TEXT NOT NULL,
	seen       INTEGER NOT NULL,
	first_seen INTEGER NOT NULL,
	last_seen  INTEGER NOT NULL
) STRICT;

CREATE TABLE journal (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	happened INTEGER NOT NULL,
	actor    TEXT NOT NULL,
	verb     TEXT NOT NULL,
	domain   TEXT NOT NULL,
	selector TEXT NOT NULL,
	was      TEXT NOT NULL,
	became   TEXT NOT NULL,
	reason   TEXT NOT NULL
) STRICT;
CREATE INDEX journal_by_domain ON journal (domain, id);

CREATE TABLE tombstones (
	domain       TEXT NOT NULL,
	selector     TEXT NOT NULL,
	fingerprint  TEXT NOT NULL,
	created_at   INTEGER NOT NULL,
	destroyed_at INTEGER NOT NULL,
	PRIMARY KEY (domain, selector, fingerprint)
) STRICT;

CREATE TABLE check_runs (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	key_id   TEXT NOT NULL,
	happened INTEGER NOT NULL,
	verdict  TEXT NOT NULL,
	passed   INTEGER NOT NULL,
	source   TEXT NOT NULL,
	records  TEXT NOT NULL,
	findings TEXT NOT NULL
) STRICT;
CREATE INDEX check_runs_by_key ON check_runs (key_id, happened, id);

CREATE TABLE outbox (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	happened   INTEGER NOT NULL,
	event      TEXT NOT NULL,
	domain     TEXT NOT NULL,
	selector   TEXT NOT NULL,
	contact    TEXT NOT NULL,
	message    TEXT NOT NULL,
	code       TEXT NOT NULL,
	channel    TEXT NOT NULL,
	attempts   INTEGER NOT NULL,
	next_at    INTEGER NOT NULL,
	last_error TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_due ON outbox (next_at);

CREATE TABLE hosts (
	name    TEXT PRIMARY KEY,
	seen_at INTEGER NOT NULL,
	version INTEGER NOT NULL
) STRICT;
