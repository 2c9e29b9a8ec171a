-- Why a server is public or private. One that is known only from somebody's own configuration is private until it is asked
-- for by name or found in a registry; what a person said stays said. Commands of the user's own are private from the start.

ALTER TABLE servers ADD COLUMN visibility_from TEXT NOT NULL DEFAULT 'scan'
  CHECK (visibility_from IN ('scan', 'configuration', 'person'));

UPDATE servers SET visibility = 'private' WHERE registry = 'local';
UPDATE servers SET visibility_from = 'person' WHERE visibility = 'private' AND registry <> 'local';
