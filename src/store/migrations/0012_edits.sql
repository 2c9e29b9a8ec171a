-- What is stored under a hash is never altered by the program. Somebody's own SQL can do it, and an older probe that is stored late moves
-- a definition's first day: then a site must not trust what it remembers of that hash. Written by nothing else.
CREATE TABLE site_edits (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  token TEXT NOT NULL
) STRICT;

CREATE TRIGGER definitions_edited AFTER UPDATE ON definitions BEGIN
  INSERT INTO site_edits (only, token) VALUES (1, hex(randomblob(16)))
  ON CONFLICT (only) DO UPDATE SET token = excluded.token;
END;

CREATE TRIGGER verdicts_edited AFTER UPDATE ON verdicts BEGIN
  INSERT INTO site_edits (only, token) VALUES (1, hex(randomblob(16)))
  ON CONFLICT (only) DO UPDATE SET token = excluded.token;
END;

CREATE TRIGGER verdicts_dropped AFTER DELETE ON verdicts BEGIN
  INSERT INTO site_edits (only, token) VALUES (1, hex(randomblob(16)))
  ON CONFLICT (only) DO UPDATE SET token = excluded.token;
END;
