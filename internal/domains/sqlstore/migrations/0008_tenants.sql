-- A tenant asks for its own rows, which lie among those of others.
CREATE INDEX domains_by_owner ON domains (owner, name);
CREATE INDEX users_by_owner ON users (owner);
