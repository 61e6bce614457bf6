-- Since when a row is its tenant's: the journal of before is not for them. 0: since it was made, or nobody wrote it down.
ALTER TABLE domains ADD COLUMN owned_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN owned_since INTEGER NOT NULL DEFAULT 0;
