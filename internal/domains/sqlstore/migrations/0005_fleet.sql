-- What each host's tables have: a row that watches keys of tables goes when no host has them any more.
CREATE TABLE table_keys (
	domain      TEXT NOT NULL,
	selector    TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	host        TEXT NOT NULL,
	gated       INTEGER NOT NULL,  -- the host lets them sign only when DNS has confirmed them
	PRIMARY KEY (domain, selector, fingerprint, host)
) STRICT;
CREATE INDEX table_keys_by_host ON table_keys (host);

-- Which of the hosts had what is watched already, nobody wrote down: all of them, until each says it for itself.
INSERT INTO table_keys (domain, selector, fingerprint, host, gated)
	SELECT DISTINCT keys.domain, keys.selector, keys.fingerprint, hosts.name, CASE domains.activation WHEN 'verified' THEN 1 ELSE 0 END
	FROM keys INNER JOIN domains ON domains.name = keys.owner CROSS JOIN hosts
	WHERE keys.owner LIKE 'table:%';

-- Two processes under one host name are two rows.
CREATE TABLE processes (
	name    TEXT NOT NULL,             -- of the host
	process TEXT NOT NULL,
	seen_at INTEGER NOT NULL,
	version INTEGER NOT NULL,
	PRIMARY KEY (name, process)
) STRICT;
INSERT INTO processes (name, process, seen_at, version) SELECT name, '', seen_at, version FROM hosts;
DROP TABLE hosts;
ALTER TABLE processes RENAME TO hosts;

-- New candidates are told together, once an hour at most.
ALTER TABLE candidates ADD COLUMN told INTEGER NOT NULL DEFAULT 1;
ALTER TABLE store ADD COLUMN candidates_told_at INTEGER NOT NULL DEFAULT 0;
