-- Hosts that asked to be left alone (Retry-After), and until when. Written when the answer comes, so that a run which is killed the next
-- moment binds the one after it.
CREATE TABLE resting_hosts (
  host TEXT PRIMARY KEY,                         -- with its port, where that is not its scheme's own
  until TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The back of a queue of tens of thousands is found at once.
CREATE INDEX work_by_place ON work (place);
