-- Views for people and for the site. Their names and columns stay; columns may be added at the end.
-- A verdict shown here is the one under the rule set in force, with the newest correction by a person applied.

CREATE INDEX probes_by_answer ON probes (release_id, outcome, finished_at);

-- Every tool of every finished probe.
CREATE VIEW tools_probed AS
SELECT
  s.key AS server,
  r.version AS release,
  d.name AS tool,
  d.title AS title,
  coalesce(o.class, v.class) AS class,                        -- NULL: not classified yet
  coalesce(o.risk, v.risk) AS risk,
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
  v.made_at AS verdict_made_at
FROM probes p
JOIN releases r ON r.id = p.release_id
JOIN servers s ON s.id = r.server_id
JOIN probe_tools t ON t.probe_id = p.id
JOIN definitions d ON d.hash = t.definition_hash
LEFT JOIN verdicts v ON v.definition_hash = d.hash
  AND v.rule_set_hash = (SELECT u.rule_set_hash FROM rule_set_uses u ORDER BY u.id DESC LIMIT 1)
LEFT JOIN overrides o ON v.class IS NOT NULL AND o.id = (         -- a correction corrects a verdict
  SELECT max(x.id) FROM overrides x
  WHERE x.server_key = s.key AND x.tool = d.name AND x.definition_hash = d.hash)
WHERE p.finished_at IS NOT NULL;

-- For each server: its newest answer (NULL if it never answered) and its newest finished probe.
CREATE VIEW newest_probes AS
SELECT
  s.id AS server_id,
  (SELECT p.id FROM releases r JOIN probes p ON p.release_id = r.id
    WHERE r.server_id = s.id AND p.outcome = 'ok'
    ORDER BY p.finished_at DESC, p.id DESC LIMIT 1) AS answer_probe_id,
  (SELECT p.id FROM releases r JOIN probes p ON p.release_id = r.id
    WHERE r.server_id = s.id AND p.finished_at IS NOT NULL
    ORDER BY p.finished_at DESC, p.id DESC LIMIT 1) AS probe_id
FROM servers s;

-- The tools of each server's newest answered release.
CREATE VIEW tools_flat AS
SELECT t.server, t.release, t.tool, t.title, t.class, t.risk, t.confidence, t.signals, t.needs_review, t.description,
  t.definition_hash, t.probed_at, t.corrected, t.corrected_by, t.corrected_why, t.registry, t.visibility, t.position,
  t.probe_id, t.release_id, t.server_id, t.evidence, t.rule_set_hash, t.verdict_made_at
FROM newest_probes n JOIN tools_probed t ON t.probe_id = n.answer_probe_id AND t.server_id = n.server_id;

-- The tools of every release, as it answered last.
CREATE VIEW tools_all AS
SELECT t.server, t.release, t.tool, t.title, t.class, t.risk, t.confidence, t.signals, t.needs_review, t.description,
  t.definition_hash, t.probed_at, t.corrected, t.corrected_by, t.corrected_why, t.registry, t.visibility, t.position,
  t.probe_id, t.release_id, t.server_id, t.evidence, t.rule_set_hash, t.verdict_made_at
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

-- What a person should look at, doubtful first. Text of servers is shortened here, on one line and without escapes.
CREATE VIEW review AS
SELECT
  server,
  release,
  tool,
  class,
  risk,
  confidence,
  CASE
    WHEN class IS NULL THEN 'not classified'
    WHEN corrected THEN 'corrected'
    WHEN needs_review THEN 'needs review'
    WHEN instr(signals, 'annotation-mismatch') THEN 'annotation mismatch'
    WHEN confidence < 0.7 THEN 'low confidence'
    ELSE ''
  END AS doubt,
  signals,
  json_extract(evidence, '$[0].rule') AS rule,
  json_extract(evidence, '$[0].field') AS field,
  replace(replace(substr(json_extract(evidence, '$[0].text'), 1, 120), char(10), ' '), char(27), '') AS evidence,
  replace(replace(substr(description, 1, 240), char(10), ' '), char(27), '') AS description,
  definition_hash,
  visibility
FROM tools_flat
ORDER BY
  CASE
    WHEN class IS NULL THEN 0
    WHEN corrected THEN 5
    WHEN needs_review THEN 1
    WHEN instr(signals, 'annotation-mismatch') THEN 2
    WHEN confidence < 0.7 THEN 3
    ELSE 4
  END,
  confidence,
  server,
  tool;
