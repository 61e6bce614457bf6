-- Where the CNAME records of a domain pointed when they were last seen (INF-31), and whose private half the keys of shared targets use.
ALTER TABLE domains ADD COLUMN aliases TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN pair TEXT NOT NULL DEFAULT '';
