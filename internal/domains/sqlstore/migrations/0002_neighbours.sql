-- Who served a domain when it was added (D111), and which other domains have the same key (D413, D402).
ALTER TABLE domains ADD COLUMN name_servers TEXT NOT NULL DEFAULT '';
CREATE INDEX keys_by_fingerprint ON keys (fingerprint);
