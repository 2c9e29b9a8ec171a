-- Corrections that can be typed by hand, taken back, and kept in a file (data/overrides.toml).
-- The views keep their names and columns; `accepted` and `corrected_at` are new at their ends.

DROP VIEW review;
DROP VIEW servers_flat;
DROP VIEW tools_all;
DROP VIEW tools_flat;
DROP VIEW tools_probed;

ALTER TABLE overrides RENAME TO overrides_before;
DROP INDEX overrides_by_tool;

-- What people say of a tool as one definition describes it. The newest row (made_at, then id) of a (server, tool,
-- definition) is in force; one that states neither class, risk nor signals takes back what was said before it.
CREATE TABLE overrides (
  id INTEGER PRIMARY KEY,
  server_key TEXT NOT NULL,
  tool TEXT NOT NULL,
  definition_hash TEXT NOT NULL DEFAULT '',      -- left out: the one in the server's newest answer
  class TEXT CHECK (class IN ('read', 'write', 'execute', 'destructive')), -- NULL: as the rules say
  risk TEXT CHECK (risk IN ('low', 'medium', 'high', 'critical')),         -- NULL: follows from class and signals
  signals TEXT,                                  -- JSON array of all of them; NULL: as the rules say
  who TEXT NOT NULL,
  why TEXT NOT NULL,
  made_at TEXT NOT NULL DEFAULT '',              -- left out: now
  origin TEXT NOT NULL DEFAULT 'database' CHECK (origin IN ('database', 'import', 'file')),
  listed INTEGER NOT NULL DEFAULT 1 CHECK (listed IN (0, 1)) -- 0: came from data/overrides.toml, which no longer has it
) STRICT;
CREATE INDEX overrides_by_tool ON overrides (server_key, tool, definition_hash, made_at, id);

-- Signals that nobody could read were an error whenever they were met; the rest of such a row stays.
INSERT INTO overrides (id, server_key, tool, definition_hash, class, risk, signals, who, why, made_at)
SELECT id, server_key, tool, definition_hash, class, risk,
  CASE WHEN readable THEN signals END,
  who,
  why || CASE WHEN readable OR signals IS NULL THEN '' ELSE ' (signals that could not be read were dropped)' END,
  coalesce(strftime('%Y-%m-%dT%H:%M:%fZ', made_at), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
FROM (SELECT *, CASE
    WHEN NOT json_valid(signals) THEN 0
    WHEN json_type(signals) <> 'array' THEN 0
    ELSE NOT EXISTS (SELECT 1 FROM json_each(signals) WHERE value NOT IN (
      'arbitrary-code', 'financial', 'access-control', 'secrets', 'personal-data', 'filesystem', 'network-egress',
      'untrusted-content', 'outbound-message', 'bulk', 'production', 'reversible', 'annotation-mismatch',
      'description-injection'))
  END AS readable FROM overrides_before)
ORDER BY id;
DROP TABLE overrides_before;

-- What a person types is checked before it is stored, in words that say what to type instead.
CREATE TRIGGER overrides_checked BEFORE INSERT ON overrides BEGIN
  SELECT RAISE(ABORT, 'class: read, write, execute or destructive, in small letters; leave it out to keep the rules'' class')
    WHERE NEW.class NOT IN ('read', 'write', 'execute', 'destructive');
  SELECT RAISE(ABORT, 'risk: low, medium, high or critical, in small letters; leave it out and it follows from class and signals')
    WHERE NEW.risk NOT IN ('low', 'medium', 'high', 'critical');
  SELECT RAISE(ABORT, 'signals: a JSON array of words such as ["financial","bulk"], [] for none; leave it out to keep the rules'' signals')
    WHERE CASE WHEN NEW.signals IS NULL THEN 0 WHEN json_valid(NEW.signals) THEN json_type(NEW.signals) <> 'array' ELSE 1 END;
  SELECT RAISE(ABORT, 'signals: an unknown word; known are arbitrary-code, financial, access-control, secrets, personal-data, filesystem, network-egress, untrusted-content, outbound-message, bulk, production, reversible, annotation-mismatch, description-injection')
    FROM json_each(NEW.signals) WHERE type <> 'text' OR value NOT IN (
      'arbitrary-code', 'financial', 'access-control', 'secrets', 'personal-data', 'filesystem', 'network-egress',
      'untrusted-content', 'outbound-message', 'bulk', 'production', 'reversible', 'annotation-mismatch',
      'description-injection');
  SELECT RAISE(ABORT, 'who, why: a correction says who made it and why')
    WHERE trim(NEW.who) = '' OR trim(NEW.why) = '';
  SELECT RAISE(ABORT, 'made_at: a time such as 2026-03-01T12:00:00Z; leave it out for now')
    WHERE NEW.made_at <> '' AND strftime('%Y', NEW.made_at) IS NULL;
  -- A file may speak of servers that were never asked here.
  SELECT RAISE(ABORT, 'server_key: no such server here; SELECT key FROM servers shows them')
    WHERE NEW.origin = 'database' AND NOT EXISTS (SELECT 1 FROM servers WHERE key = NEW.server_key);
  SELECT RAISE(ABORT, 'definition_hash: no tool of exactly this name has this definition; leave it out for the present one, or SELECT definition_hash FROM tools_all')
    WHERE NEW.origin = 'database' AND NEW.definition_hash <> ''
      AND NOT EXISTS (SELECT 1 FROM definitions WHERE hash = NEW.definition_hash AND name = NEW.tool);
  SELECT RAISE(ABORT, 'tool: the server''s newest answer does not list exactly one definition of exactly this name; SELECT tool, definition_hash FROM tools_flat shows them, then give definition_hash, too')
    WHERE NEW.definition_hash = '' AND 1 <> (
      SELECT count(DISTINCT d.hash)
      FROM servers s JOIN newest_probes n ON n.server_id = s.id JOIN probe_tools t ON t.probe_id = n.answer_probe_id
      JOIN definitions d ON d.hash = t.definition_hash WHERE s.key = NEW.server_key AND d.name = NEW.tool);
END;

-- What was left out is filled in, and a time gets its one spelling.
CREATE TRIGGER overrides_completed AFTER INSERT ON overrides
WHEN NEW.definition_hash = '' OR NEW.made_at IS NOT strftime('%Y-%m-%dT%H:%M:%fZ', NEW.made_at) BEGIN
  UPDATE overrides SET
    made_at = strftime('%Y-%m-%dT%H:%M:%fZ', CASE made_at WHEN '' THEN 'now' ELSE made_at END),
    definition_hash = CASE WHEN definition_hash <> '' THEN definition_hash ELSE (
      SELECT d.hash
      FROM servers s JOIN newest_probes n ON n.server_id = s.id JOIN probe_tools t ON t.probe_id = n.answer_probe_id
      JOIN definitions d ON d.hash = t.definition_hash WHERE s.key = NEW.server_key AND d.name = NEW.tool) END
  WHERE id = NEW.id;
END;

CREATE TRIGGER overrides_kept BEFORE UPDATE OF server_key, tool, class, risk, signals, who, why, origin ON overrides BEGIN
  SELECT RAISE(ABORT, 'a correction is never changed: insert a new row, the newest one is in force; one without class, risk and signals takes back what was said');
END;
CREATE TRIGGER overrides_dated BEFORE UPDATE OF definition_hash, made_at ON overrides
WHEN OLD.definition_hash <> '' AND OLD.made_at IS strftime('%Y-%m-%dT%H:%M:%fZ', OLD.made_at) BEGIN
  SELECT RAISE(ABORT, 'a correction is never changed: insert a new row, the newest one is in force; one without class, risk and signals takes back what was said');
END;

-- Every tool of every finished probe.
CREATE VIEW tools_probed AS
SELECT
  s.key AS server,
  r.version AS release,
  d.name AS tool,
  d.title AS title,
  coalesce(o.class, v.class) AS class,                        -- NULL: not classified yet
  CASE
    WHEN o.id IS NULL THEN v.risk
    WHEN o.risk IS NOT NULL THEN o.risk
    ELSE (                                                    -- the arithmetic of model/risk.rs
      SELECT CASE min(3, max(
          2 * (coalesce(o.class, v.class) = 'destructive'),
          max(
            CASE coalesce(o.class, v.class) WHEN 'read' THEN 0 WHEN 'write' THEN 1 WHEN 'execute' THEN 2 ELSE 3 END,
            coalesce(max(CASE value
              WHEN 'arbitrary-code' THEN 3
              WHEN 'financial' THEN 2 WHEN 'access-control' THEN 2 WHEN 'secrets' THEN 2
              WHEN 'description-injection' THEN 2
              WHEN 'personal-data' THEN 1 WHEN 'filesystem' THEN 1 WHEN 'network-egress' THEN 1
              WHEN 'untrusted-content' THEN 1 WHEN 'outbound-message' THEN 1
              ELSE 0 END), 0))
          + (coalesce(o.class, v.class) <> 'read') * coalesce(max(value = 'bulk'), 0)
          + (coalesce(o.class, v.class) = 'write') * coalesce(max(value = 'production'), 0)
          - (coalesce(o.class, v.class) = 'destructive') * coalesce(max(value = 'reversible'), 0)))
        WHEN 0 THEN 'low' WHEN 1 THEN 'medium' WHEN 2 THEN 'high' ELSE 'critical' END
      FROM json_each(coalesce(o.signals, v.signals)))
  END AS risk,
  v.confidence AS confidence,                                 -- of the rules, also where a person corrected them
  (SELECT coalesce(group_concat(value, ', '), '')
     FROM json_each(coalesce(o.signals, v.signals, '[]'))) AS signals,
  CASE WHEN o.id IS NOT NULL THEN 0 ELSE v.needs_review END AS needs_review,
  d.description AS description,
  d.hash AS definition_hash,
  p.finished_at AS probed_at,
  o.id IS NOT NULL AS corrected,
  o.who AS corrected_by,
  o.why AS corrected_why,
  s.registry AS registry,
  s.visibility AS visibility,
  t.position AS position,                                     -- order in which the server lists it
  p.id AS probe_id,
  r.id AS release_id,
  s.id AS server_id,
  v.evidence AS evidence,                                     -- JSON: [{rule, field, span, text, effect}]
  v.rule_set_hash AS rule_set_hash,
  v.made_at AS verdict_made_at,
  o.made_at AS corrected_at,
  o.id IS NOT NULL                                            -- a person says what the rules say, too
    AND coalesce(o.class = v.class, 1)
    AND coalesce(o.risk = v.risk, 1)
    AND NOT EXISTS (SELECT 1 FROM json_each(o.signals) WHERE value NOT IN (SELECT value FROM json_each(v.signals)))
    AND (o.signals IS NULL OR NOT EXISTS (
      SELECT 1 FROM json_each(v.signals) WHERE value NOT IN (SELECT value FROM json_each(o.signals)))) AS accepted
FROM probes p
JOIN releases r ON r.id = p.release_id
JOIN servers s ON s.id = r.server_id
JOIN probe_tools t ON t.probe_id = p.id
JOIN definitions d ON d.hash = t.definition_hash
LEFT JOIN verdicts v ON v.definition_hash = d.hash
  AND v.rule_set_hash = (SELECT u.rule_set_hash FROM rule_set_uses u ORDER BY u.id DESC LIMIT 1)
LEFT JOIN overrides o ON v.class IS NOT NULL                     -- a correction corrects a verdict
  AND o.id = (
    SELECT x.id FROM overrides x
    WHERE x.server_key = s.key AND x.tool = d.name AND x.definition_hash = d.hash AND x.listed
    ORDER BY x.made_at DESC, x.id DESC LIMIT 1)
  AND coalesce(o.class, o.risk, o.signals) IS NOT NULL
WHERE p.finished_at IS NOT NULL;

-- The tools of each server's newest answered release.
CREATE VIEW tools_flat AS
SELECT t.server, t.release, t.tool, t.title, t.class, t.risk, t.confidence, t.signals, t.needs_review, t.description,
  t.definition_hash, t.probed_at, t.corrected, t.corrected_by, t.corrected_why, t.registry, t.visibility, t.position,
  t.probe_id, t.release_id, t.server_id, t.evidence, t.rule_set_hash, t.verdict_made_at, t.corrected_at, t.accepted
FROM newest_probes n JOIN tools_probed t ON t.probe_id = n.answer_probe_id AND t.server_id = n.server_id;

-- The tools of every release, as it answered last.
CREATE VIEW tools_all AS
SELECT t.server, t.release, t.tool, t.title, t.class, t.risk, t.confidence, t.signals, t.needs_review, t.description,
  t.definition_hash, t.probed_at, t.corrected, t.corrected_by, t.corrected_why, t.registry, t.visibility, t.position,
  t.probe_id, t.release_id, t.server_id, t.evidence, t.rule_set_hash, t.verdict_made_at, t.corrected_at, t.accepted
FROM releases a JOIN tools_probed t ON t.release_id = a.id AND t.probe_id = (
  SELECT p.id FROM probes p WHERE p.release_id = a.id AND p.outcome = 'ok'
  ORDER BY p.finished_at DESC, p.id DESC LIMIT 1);

-- One row for each server. release, outcome, tools and probed_at speak of its newest answered release, or, if it never
-- answered, of its newest probe; newest_* speak of the newest probe in any case.
CREATE VIEW servers_flat AS
SELECT
  s.key AS server,
  r.version AS release,
  p.outcome AS outcome,
  (SELECT count(*) FROM probe_tools t WHERE t.probe_id = p.id AND t.definition_hash IS NOT NULL) AS tools,
  coalesce(c.reads, 0) AS read,
  coalesce(c.writes, 0) AS write,
  coalesce(c.executes, 0) AS execute,
  coalesce(c.destroys, 0) AS destructive,
  coalesce(c.unknown, 0) AS unclassified,
  (SELECT count(*) FROM probe_tools t WHERE t.probe_id = p.id AND t.definition_hash IS NULL) AS malformed,
  p.finished_at AS probed_at,
  p.detail AS detail,
  p.sandbox AS sandbox,
  newest_r.version AS newest_release,
  newest.outcome AS newest_outcome,
  newest.detail AS newest_detail,
  newest.finished_at AS newest_probed_at,
  r.title AS title,                                           -- the registry's
  CASE WHEN json_valid(p.server_info) THEN
    coalesce(json_extract(p.server_info, '$.title'), json_extract(p.server_info, '$.name')) END AS calls_itself,
  s.registry AS registry,
  s.visibility AS visibility,
  p.id AS probe_id,
  r.id AS release_id,
  s.id AS server_id,
  newest.id AS newest_probe_id
FROM servers s
JOIN newest_probes n ON n.server_id = s.id
LEFT JOIN probes p ON p.id = coalesce(n.answer_probe_id, n.probe_id)
LEFT JOIN releases r ON r.id = p.release_id
LEFT JOIN probes newest ON newest.id = n.probe_id
LEFT JOIN releases newest_r ON newest_r.id = newest.release_id
LEFT JOIN (
  SELECT server_id,
    count(*) FILTER (WHERE class = 'read') AS reads,
    count(*) FILTER (WHERE class = 'write') AS writes,
    count(*) FILTER (WHERE class = 'execute') AS executes,
    count(*) FILTER (WHERE class = 'destructive') AS destroys,
    count(*) FILTER (WHERE class IS NULL) AS unknown
  FROM tools_flat GROUP BY server_id) c ON c.server_id = s.id;

-- Corrections in force: the newest of each (server, tool, definition), unless it was taken back.
CREATE VIEW overrides_in_force AS
SELECT o.id, o.server_key AS server, o.tool, o.definition_hash, o.class, o.risk, o.signals, o.who, o.why, o.made_at,
  o.origin
FROM overrides o
WHERE o.listed AND coalesce(o.class, o.risk, o.signals) IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM overrides x
  WHERE x.server_key = o.server_key AND x.tool = o.tool AND x.definition_hash = o.definition_hash AND x.listed
    AND (x.made_at > o.made_at OR (x.made_at = o.made_at AND x.id > o.id)));

-- Corrections that no longer speak, because their server's newest answer does not list that definition of the tool.
-- Whoever has said something of the present definition has dealt with it.
CREATE VIEW overrides_expired AS
SELECT f.id, f.server, f.tool, f.definition_hash, f.class, f.risk, f.signals, f.who, f.why, f.made_at, f.origin,
  CASE WHEN EXISTS (
    SELECT 1 FROM probe_tools t JOIN definitions d ON d.hash = t.definition_hash
    WHERE t.probe_id = n.answer_probe_id AND d.name = f.tool) THEN 'expired' ELSE 'gone' END AS state
FROM overrides_in_force f
JOIN servers s ON s.key = f.server
JOIN newest_probes n ON n.server_id = s.id
WHERE n.answer_probe_id IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM probe_tools t JOIN definitions d ON d.hash = t.definition_hash
  WHERE t.probe_id = n.answer_probe_id AND d.name = f.tool
    AND (d.hash = f.definition_hash OR EXISTS (
      SELECT 1 FROM overrides y
      WHERE y.server_key = f.server AND y.tool = f.tool AND y.definition_hash = d.hash AND y.listed)));

-- What a person should look at, doubtful first. Text of servers is shortened here, on one line and without escapes.
CREATE VIEW review AS
SELECT
  t.server,
  t.release,
  t.tool,
  t.class,
  t.risk,
  t.confidence,
  CASE
    WHEN EXISTS (SELECT 1 FROM overrides_expired e WHERE e.server = t.server AND e.tool = t.tool AND e.state = 'expired')
      THEN 'correction expired'
    WHEN t.class IS NULL THEN 'not classified'
    WHEN t.accepted THEN 'accepted'
    WHEN t.corrected THEN 'corrected'
    WHEN t.needs_review THEN 'needs review'
    WHEN instr(t.signals, 'annotation-mismatch') THEN 'annotation mismatch'
    WHEN t.confidence < 0.7 THEN 'low confidence'
    ELSE ''
  END AS doubt,
  t.signals,
  json_extract(t.evidence, '$[0].rule') AS rule,
  json_extract(t.evidence, '$[0].field') AS field,
  replace(replace(substr(json_extract(t.evidence, '$[0].text'), 1, 120), char(10), ' '), char(27), '') AS evidence,
  replace(replace(substr(t.description, 1, 240), char(10), ' '), char(27), '') AS description,
  t.definition_hash,
  t.visibility,
  t.corrected_by,
  t.corrected_why,
  t.corrected_at
FROM tools_flat t
ORDER BY
  CASE
    WHEN EXISTS (SELECT 1 FROM overrides_expired e WHERE e.server = t.server AND e.tool = t.tool AND e.state = 'expired') THEN 0
    WHEN t.class IS NULL THEN 1
    WHEN t.corrected THEN 6
    WHEN t.needs_review THEN 2
    WHEN instr(t.signals, 'annotation-mismatch') THEN 3
    WHEN t.confidence < 0.7 THEN 4
    ELSE 5
  END,
  t.confidence,
  t.server,
  t.tool;
