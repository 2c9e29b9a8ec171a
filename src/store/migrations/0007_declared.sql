-- Lists of tools that somebody declared and no running server confirmed. Nothing here is ever joined to what a server
-- answered: no view reads these tables, and of the site only a server's own page.

CREATE TABLE declared_lists (
  id INTEGER PRIMARY KEY,
  about TEXT NOT NULL,                           -- what it is said of: a candidate's key
  declared_by TEXT NOT NULL CHECK (declared_by IN ('record', 'file', 'bundle', 'package')),
  source TEXT NOT NULL,                          -- the list of servers whose record led to it; '' for a package's own
  name TEXT NOT NULL,                            -- that record
  version TEXT NOT NULL,
  place TEXT NOT NULL,                           -- the document it was read from
  hash TEXT NOT NULL,                            -- SHA-256 of that document
  grows INTEGER NOT NULL CHECK (grows IN (0, 1)),-- it says that there are more tools while the server runs
  read_at TEXT NOT NULL
) STRICT;
CREATE INDEX declared_lists_by_about ON declared_lists (about, id);
CREATE INDEX declared_lists_by_record ON declared_lists (source, name, version);

-- Foreign text, cut when it was read.
CREATE TABLE declared_entries (
  list_id INTEGER NOT NULL REFERENCES declared_lists (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('tool', 'prompt')),
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  PRIMARY KEY (list_id, kind, position)
) STRICT, WITHOUT ROWID;
