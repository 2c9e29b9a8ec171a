-- A correction that was typed by hand before 0003 checked it, for a server that is not here, spoke of nothing: it stays and
-- does not count (its key may be no server key at all, which nothing could read back).

UPDATE overrides SET listed = 0
WHERE origin = 'database' AND NOT EXISTS (SELECT 1 FROM servers WHERE key = server_key);
