-- Records that a driver wrote into DNS, or is to write: what is to be done stands here before it is tried.
CREATE TABLE published (
	driver     TEXT NOT NULL,
	name       TEXT NOT NULL,              -- whole name, without final dot
	kind       TEXT NOT NULL,              -- TXT or CNAME
	owner      TEXT NOT NULL,              -- domains.name
	zoned      INTEGER NOT NULL,           -- in the key zone
	stands     TEXT NOT NULL,              -- the value in DNS, as far as we know
	written_at INTEGER NOT NULL,           -- 0: we did not write it
	maybe      TEXT NOT NULL,              -- values that attempts without an outcome may have written
	wanted     TEXT NOT NULL,              -- '': nothing
	ttl        INTEGER NOT NULL,
	until      INTEGER NOT NULL,           -- from then on nothing is wanted
	since      INTEGER NOT NULL,
	next_at    INTEGER NOT NULL,           -- 0: nothing is to be done
	attempts   INTEGER NOT NULL,
	problem    TEXT NOT NULL,
	alien      INTEGER NOT NULL,
	told_at    INTEGER NOT NULL,
	revision   INTEGER NOT NULL,
	PRIMARY KEY (driver, name, kind)
) STRICT;
CREATE INDEX published_by_owner ON published (owner);
CREATE INDEX published_due ON published (next_at) WHERE next_at <> 0;
CREATE INDEX published_in_key_zone ON published (name) WHERE zoned = 1;
