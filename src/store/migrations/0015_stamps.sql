-- A server's stamp is another one whenever a row that its pages are made of came, went or changed, whoever did it: a build that finds
-- the stamp it remembers need not read the server. Random, so that no other database, and no other history of this one, has it.
-- What is stored under a hash is not among these rows (see site_edits), nor what most servers have none of: corrections and declared lists.
CREATE TABLE server_edits (
  server_id INTEGER PRIMARY KEY,
  token BLOB NOT NULL
) STRICT;
INSERT INTO server_edits (server_id, token) SELECT id, randomblob(16) FROM servers;

-- The same for who is who, as a whole: what a page says of it depends on which of the others are servers, and are public.
CREATE TABLE identity_edits (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  token BLOB NOT NULL
) STRICT;
INSERT INTO identity_edits (only, token) VALUES (1, randomblob(16));

CREATE TRIGGER servers_came AFTER INSERT ON servers BEGIN
  INSERT INTO server_edits (server_id, token) VALUES (NEW.id, randomblob(16))
  ON CONFLICT (server_id) DO UPDATE SET token = excluded.token;
  INSERT INTO identity_edits (only, token) VALUES (1, randomblob(16))
  ON CONFLICT (only) DO UPDATE SET token = excluded.token;
END;
CREATE TRIGGER servers_edited AFTER UPDATE ON servers BEGIN
  INSERT INTO server_edits (server_id, token) VALUES (OLD.id, randomblob(16))
  ON CONFLICT (server_id) DO UPDATE SET token = excluded.token;
  INSERT INTO server_edits (server_id, token) VALUES (NEW.id, randomblob(16))
  ON CONFLICT (server_id) DO UPDATE SET token = excluded.token;
  INSERT INTO identity_edits (only, token) VALUES (1, randomblob(16))
  ON CONFLICT (only) DO UPDATE SET token = excluded.token;
END;
CREATE TRIGGER servers_went AFTER DELETE ON servers BEGIN
  DELETE FROM server_edits WHERE server_id = OLD.id;
  INSERT INTO identity_edits (only, token) VALUES (1, randomblob(16))
  ON CONFLICT (only) DO UPDATE SET token = excluded.token;
END;

CREATE TRIGGER releases_came AFTER INSERT ON releases BEGIN
  INSERT INTO server_edits (server_id, token) VALUES (NEW.server_id, randomblob(16))
  ON CONFLICT (server_id) DO UPDATE SET token = excluded.token;
END;
CREATE TRIGGER releases_edited AFTER UPDATE ON releases BEGIN
  INSERT INTO server_edits (server_id, token) VALUES (OLD.server_id, randomblob(16))
  ON CONFLICT (server_id) DO UPDATE SET token = excluded.token;
  INSERT INTO server_edits (server_id, token) VALUES (NEW.server_id, randomblob(16))
  ON CONFLICT (server_id) DO UPDATE SET token = excluded.token;
END;
CREATE TRIGGER releases_went AFTER DELETE ON releases BEGIN
  INSERT INTO server_edits (server_id, token) VALUES (OLD.server_id, randomblob(16))
  ON CONFLICT (server_id) DO UPDATE SET token = excluded.token;
END;

-- A probe is shown when it has ended.
CREATE TRIGGER probes_came AFTER INSERT ON probes WHEN NEW.outcome IS NOT NULL BEGIN
  INSERT INTO server_edits (server_id, token) SELECT r.server_id, randomblob(16) FROM releases r WHERE r.id IN (NEW.release_id)
  ON CONFLICT (server_id) DO UPDATE SET token = excluded.token;
END;
CREATE TRIGGER probes_edited AFTER UPDATE ON probes WHEN OLD.outcome IS NOT NULL OR NEW.outcome IS NOT NULL BEGIN
  INSERT INTO server_edits (server_id, token) SELECT r.server_id, randomblob(16) FROM releases r WHERE r.id IN (OLD.release_id, NEW.release_id)
  ON CONFLICT (server_id) DO UPDATE SET token = excluded.token;
END;
CREATE TRIGGER probes_went AFTER DELETE ON probes WHEN OLD.outcome IS NOT NULL BEGIN
  INSERT INTO server_edits (server_id, token) SELECT r.server_id, randomblob(16) FROM releases r WHERE r.id IN (OLD.release_id)
  ON CONFLICT (server_id) DO UPDATE SET token = excluded.token;
END;

CREATE TRIGGER attempts_came AFTER INSERT ON attempts BEGIN
  INSERT INTO server_edits (server_id, token) SELECT r.server_id, randomblob(16)
  FROM probes p JOIN releases r ON r.id = p.release_id WHERE p.id IN (NEW.probe_id) AND p.outcome IS NOT NULL
  ON CONFLICT (server_id) DO UPDATE SET token = excluded.token;
END;
CREATE TRIGGER attempts_edited AFTER UPDATE ON attempts BEGIN
  INSERT INTO server_edits (server_id, token) SELECT r.server_id, randomblob(16)
  FROM probes p JOIN releases r ON r.id = p.release_id WHERE p.id IN (OLD.probe_id, NEW.probe_id) AND p.outcome IS NOT NULL
  ON CONFLICT (server_id) DO UPDATE SET token = excluded.token;
END;
CREATE TRIGGER attempts_went AFTER DELETE ON attempts BEGIN
  INSERT INTO server_edits (server_id, token) SELECT r.server_id, randomblob(16)
  FROM probes p JOIN releases r ON r.id = p.release_id WHERE p.id IN (OLD.probe_id) AND p.outcome IS NOT NULL
  ON CONFLICT (server_id) DO UPDATE SET token = excluded.token;
END;

CREATE TRIGGER probe_tools_came AFTER INSERT ON probe_tools BEGIN
  INSERT INTO server_edits (server_id, token) SELECT r.server_id, randomblob(16)
  FROM probes p JOIN releases r ON r.id = p.release_id WHERE p.id IN (NEW.probe_id) AND p.outcome IS NOT NULL
  ON CONFLICT (server_id) DO UPDATE SET token = excluded.token;
END;
CREATE TRIGGER probe_tools_edited AFTER UPDATE ON probe_tools BEGIN
  INSERT INTO server_edits (server_id, token) SELECT r.server_id, randomblob(16)
  FROM probes p JOIN releases r ON r.id = p.release_id WHERE p.id IN (OLD.probe_id, NEW.probe_id) AND p.outcome IS NOT NULL
  ON CONFLICT (server_id) DO UPDATE SET token = excluded.token;
END;
CREATE TRIGGER probe_tools_went AFTER DELETE ON probe_tools BEGIN
  INSERT INTO server_edits (server_id, token) SELECT r.server_id, randomblob(16)
  FROM probes p JOIN releases r ON r.id = p.release_id WHERE p.id IN (OLD.probe_id) AND p.outcome IS NOT NULL
  ON CONFLICT (server_id) DO UPDATE SET token = excluded.token;
END;

CREATE TRIGGER identity_links_came AFTER INSERT ON identity_links BEGIN
  INSERT INTO identity_edits (only, token) VALUES (1, randomblob(16))
  ON CONFLICT (only) DO UPDATE SET token = excluded.token;
END;
CREATE TRIGGER identity_links_edited AFTER UPDATE ON identity_links BEGIN
  INSERT INTO identity_edits (only, token) VALUES (1, randomblob(16))
  ON CONFLICT (only) DO UPDATE SET token = excluded.token;
END;
CREATE TRIGGER identity_links_went AFTER DELETE ON identity_links BEGIN
  INSERT INTO identity_edits (only, token) VALUES (1, randomblob(16))
  ON CONFLICT (only) DO UPDATE SET token = excluded.token;
END;

CREATE TRIGGER identity_findings_came AFTER INSERT ON identity_findings BEGIN
  INSERT INTO identity_edits (only, token) VALUES (1, randomblob(16))
  ON CONFLICT (only) DO UPDATE SET token = excluded.token;
END;
CREATE TRIGGER identity_findings_edited AFTER UPDATE ON identity_findings BEGIN
  INSERT INTO identity_edits (only, token) VALUES (1, randomblob(16))
  ON CONFLICT (only) DO UPDATE SET token = excluded.token;
END;
CREATE TRIGGER identity_findings_went AFTER DELETE ON identity_findings BEGIN
  INSERT INTO identity_edits (only, token) VALUES (1, randomblob(16))
  ON CONFLICT (only) DO UPDATE SET token = excluded.token;
END;

CREATE TRIGGER project_members_came AFTER INSERT ON project_members BEGIN
  INSERT INTO identity_edits (only, token) VALUES (1, randomblob(16))
  ON CONFLICT (only) DO UPDATE SET token = excluded.token;
END;
CREATE TRIGGER project_members_edited AFTER UPDATE ON project_members BEGIN
  INSERT INTO identity_edits (only, token) VALUES (1, randomblob(16))
  ON CONFLICT (only) DO UPDATE SET token = excluded.token;
END;
CREATE TRIGGER project_members_went AFTER DELETE ON project_members BEGIN
  INSERT INTO identity_edits (only, token) VALUES (1, randomblob(16))
  ON CONFLICT (only) DO UPDATE SET token = excluded.token;
END;

CREATE TRIGGER definitions_went AFTER DELETE ON definitions BEGIN
  INSERT INTO site_edits (only, token) VALUES (1, hex(randomblob(16)))
  ON CONFLICT (only) DO UPDATE SET token = excluded.token;
END;
