-- A lease is named by the delivery and a random token: a worker that lost one cannot do anything to the next of the same target.
ALTER TABLE work ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;
ALTER TABLE work ADD COLUMN token TEXT;

-- Queues of fleets whose results were collected into this database, and where the next collecting begins.
CREATE TABLE fleet_queues (
  queue TEXT PRIMARY KEY,                        -- the queue's own id
  mark TEXT NOT NULL                             -- a transaction of its database: all before it are here
) STRICT;

-- Results that are here: a snapshot may hold some of the one before again.
CREATE TABLE fleet_results (
  queue TEXT NOT NULL,
  result INTEGER NOT NULL,                       -- the queue's own number of it
  worker TEXT NOT NULL,                          -- what the worker calls itself
  refused TEXT,                                  -- why it was not stored; NULL if it was
  PRIMARY KEY (queue, result)
) STRICT, WITHOUT ROWID;
