-- One row for each credential, as the old centres' `cfg` had it: a key and a value. The value is sealed; version and
-- expires_at stand beside it so that an older one never replaces a newer one.
CREATE TABLE credentials (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  version INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
