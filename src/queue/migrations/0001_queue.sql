-- Written once, never changed: later shapes come in later files. Runs in the schema catalogue_queue, in one transaction.
-- Every time in here is this database's own: a worker's clock decides nothing.

-- One row: which queue this is, and what it lets in.
CREATE TABLE meta (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  version int NOT NULL,
  result_bytes bigint NOT NULL DEFAULT 8388608,
  made_at timestamptz NOT NULL DEFAULT now()
);

CREATE SEQUENCE places INCREMENT BY 1000000;

-- One row a release and scanner schema.
CREATE TABLE jobs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key text NOT NULL UNIQUE CHECK (octet_length(key) BETWEEN 1 AND 2048),   -- target#schema
  target text NOT NULL CHECK (octet_length(target) BETWEEN 1 AND 2000),    -- as it can be typed again
  registry text NOT NULL CHECK (registry IN ('npm', 'pypi', 'github', 'remote')),
  scanner_schema int NOT NULL,
  newest boolean NOT NULL DEFAULT false,          -- its registry names this release as the newest
  listed boolean NOT NULL DEFAULT false,          -- it came out of a list: its address must be a public one
  rank int NOT NULL DEFAULT 0,
  place bigint NOT NULL,                          -- order of claiming; what was given back goes to the end
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'leased', 'done')),
  attempt int NOT NULL DEFAULT 0,                 -- deliveries, ever: half of the fence
  token uuid,                                     -- the other half, made anew at each delivery
  session uuid,                                   -- the worker process, known to it alone
  worker text,                                    -- its name, for people
  deaths int NOT NULL DEFAULT 0,                  -- how often its worker was lost while it held nothing else
  company_deaths int NOT NULL DEFAULT 0,          -- how often while it held others too
  in_company boolean NOT NULL DEFAULT false,      -- of a lease: the worker lost another one meanwhile
  faults int NOT NULL DEFAULT 0,                  -- transient faults since it was enqueued
  fault text,                                     -- the last of them, one line
  not_before timestamptz NOT NULL DEFAULT '-infinity',
  leased_at timestamptz,
  lease_until timestamptz,
  outcome text,
  enqueued_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
) WITH (fillfactor = 80);
CREATE INDEX jobs_waiting ON jobs (registry, rank DESC, place) WHERE state = 'waiting';
CREATE INDEX jobs_later ON jobs (not_before) WHERE state = 'waiting';
CREATE INDEX jobs_oldest ON jobs (enqueued_at) WHERE state = 'waiting';
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE state = 'leased';
CREATE INDEX jobs_held ON jobs (session) WHERE state = 'leased';
CREATE INDEX jobs_suspicious ON jobs (deaths DESC, id) WHERE deaths > 0;

-- What was delivered: one row a job that is done. The body is what the worker says and is believed by nobody here.
CREATE TABLE results (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_id bigint NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  attempt int NOT NULL,
  worker text NOT NULL,
  outcome text NOT NULL,
  millis bigint NOT NULL,
  body bytea,
  written_by xid8 NOT NULL DEFAULT pg_current_xact_id(),  -- which results a snapshot holds: numbers have gaps while others commit
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (job_id, attempt)
);
CREATE INDEX results_by_writer ON results (written_by, id);
CREATE INDEX results_by_time ON results (made_at);

-- How fast each registry may be asked, by all workers together. An interval of 0 is no pace.
CREATE TABLE paces (
  registry text PRIMARY KEY CHECK (registry IN ('npm', 'pypi', 'github', 'remote')),
  interval_ms int NOT NULL CHECK (interval_ms BETWEEN 0 AND 3600000),
  next_at timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 20);
INSERT INTO paces (registry, interval_ms) VALUES ('npm', 50), ('pypi', 50), ('github', 500), ('remote', 0);

-- Jobs by state and outcome, counted as they change: `status` on a million of them reads some rows of this.
CREATE TABLE tallies (
  state text NOT NULL,
  outcome text NOT NULL,
  shard int NOT NULL,                             -- so that workers do not wait for each other
  jobs bigint NOT NULL,
  PRIMARY KEY (state, outcome, shard)
) WITH (fillfactor = 20);

CREATE FUNCTION count_new() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = catalogue_queue, pg_temp AS $$
BEGIN
  INSERT INTO tallies AS t (state, outcome, shard, jobs)
  SELECT n.state, coalesce(n.outcome, ''), pg_backend_pid() % 16, count(*) FROM added n
  GROUP BY 1, 2, 3 ORDER BY 1, 2
  ON CONFLICT (state, outcome, shard) DO UPDATE SET jobs = t.jobs + excluded.jobs;
  RETURN NULL;
END $$;

CREATE FUNCTION count_old() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = catalogue_queue, pg_temp AS $$
BEGIN
  INSERT INTO tallies AS t (state, outcome, shard, jobs)
  SELECT o.state, coalesce(o.outcome, ''), pg_backend_pid() % 16, -count(*) FROM removed o
  GROUP BY 1, 2, 3 ORDER BY 1, 2
  ON CONFLICT (state, outcome, shard) DO UPDATE SET jobs = t.jobs + excluded.jobs;
  RETURN NULL;
END $$;

CREATE FUNCTION count_moved() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = catalogue_queue, pg_temp AS $$
BEGIN
  INSERT INTO tallies AS t (state, outcome, shard, jobs)
  SELECT m.state, m.outcome, pg_backend_pid() % 16, sum(m.step) FROM (
    SELECT n.state, coalesce(n.outcome, '') AS outcome, 1 AS step FROM added n
    UNION ALL
    SELECT o.state, coalesce(o.outcome, ''), -1 FROM removed o) m
  GROUP BY 1, 2, 3 HAVING sum(m.step) <> 0 ORDER BY 1, 2
  ON CONFLICT (state, outcome, shard) DO UPDATE SET jobs = t.jobs + excluded.jobs;
  RETURN NULL;
END $$;

CREATE TRIGGER jobs_added AFTER INSERT ON jobs
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_new();
CREATE TRIGGER jobs_removed AFTER DELETE ON jobs
  REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION count_old();
CREATE TRIGGER jobs_moved AFTER UPDATE ON jobs
  REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_moved();

-- Puts back what lost workers held: leases that ran out. A death counts for a job only if its worker held nothing else then, for
-- else nobody knows whose doing it was; leases of one worker end at different times, so those that end later are told.
CREATE FUNCTION sweep() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = catalogue_queue, pg_temp AS $$
DECLARE
  lost record;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM jobs j WHERE j.state = 'leased' AND j.lease_until <= clock_timestamp())
     OR NOT pg_try_advisory_xact_lock(hashtextextended('catalogue_queue.sweep', 0)) THEN
    RETURN;
  END IF;
  FOR lost IN
    SELECT j.session FROM jobs j WHERE j.state = 'leased' AND j.lease_until <= clock_timestamp() GROUP BY j.session
  LOOP
    UPDATE jobs j SET in_company = true
    WHERE j.state = 'leased' AND j.session = lost.session AND NOT j.in_company
      AND (SELECT count(*) FROM jobs h WHERE h.state = 'leased' AND h.session = lost.session) > 1;
    UPDATE jobs j SET state = 'waiting', token = NULL, session = NULL, worker = NULL, lease_until = NULL, leased_at = NULL,
      deaths = j.deaths + CASE WHEN j.in_company THEN 0 ELSE 1 END,
      company_deaths = j.company_deaths + CASE WHEN j.in_company THEN 1 ELSE 0 END,
      place = p.place
    FROM (
      SELECT h.id, nextval('places') AS place FROM (
        SELECT s.id FROM jobs s
        WHERE s.state = 'leased' AND s.session = lost.session AND s.lease_until <= clock_timestamp()
        ORDER BY s.place FOR UPDATE SKIP LOCKED) h) p
    WHERE j.id = p.id;
  END LOOP;
END $$;

-- Hands out the first job that waits, whose registry may be asked now. Without one: job is NULL, wait_ms says when to ask again,
-- and is_open whether any is left. SQLSTATE CQ001: the worker speaks another version; CQ002: only jobs of other scanners are left.
CREATE FUNCTION claim(p_version int, p_scanner_schema int, p_worker text, p_session uuid, p_lease_ms int)
RETURNS TABLE (job bigint, target text, newest boolean, listed boolean, attempt int, token text, deaths int, company_deaths int,
               faults int, wait_ms int, is_open boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = catalogue_queue, pg_temp AS $$
#variable_conflict use_column
DECLARE
  known int;
  picked bigint;
  line record;
  now_is timestamptz;
  again timestamptz;
BEGIN
  SELECT m.version INTO known FROM meta m;
  IF known <> p_version THEN
    RAISE EXCEPTION 'queue version %, worker version %', known, p_version USING ERRCODE = 'CQ001';
  END IF;
  IF p_session IS NULL OR octet_length(coalesce(p_worker, '')) NOT BETWEEN 1 AND 200 OR p_lease_ms NOT BETWEEN 100 AND 900000 THEN
    RAISE EXCEPTION 'a claim needs a name of 1 to 200 bytes, a session, and a lease of 0.1 to 900 s' USING ERRCODE = '22023';
  END IF;
  PERFORM sweep();
  now_is := clock_timestamp();
  FOR line IN
    SELECT p.registry, p.interval_ms FROM paces p, LATERAL (
      SELECT j.rank, j.place FROM jobs j
      WHERE j.state = 'waiting' AND j.registry = p.registry AND j.scanner_schema = p_scanner_schema AND j.not_before <= now_is
      ORDER BY j.rank DESC, j.place LIMIT 1) h
    WHERE p.next_at <= now_is ORDER BY h.rank DESC, h.place
  LOOP
    SELECT j.id INTO picked FROM jobs j
    WHERE j.state = 'waiting' AND j.registry = line.registry AND j.scanner_schema = p_scanner_schema AND j.not_before <= now_is
    ORDER BY j.rank DESC, j.place LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF picked IS NOT NULL THEN
      IF line.interval_ms > 0 THEN
        UPDATE paces p SET next_at = greatest(p.next_at, now_is) + p.interval_ms * interval '1 millisecond'
        WHERE p.registry = line.registry;
      END IF;
      RETURN QUERY
        UPDATE jobs j SET state = 'leased', attempt = j.attempt + 1, token = gen_random_uuid(), session = p_session, worker = p_worker, in_company = false,
          leased_at = clock_timestamp(), lease_until = clock_timestamp() + p_lease_ms * interval '1 millisecond'
        WHERE j.id = picked
        RETURNING j.id, j.target, j.newest, j.listed, j.attempt, j.token::text, j.deaths, j.company_deaths, j.faults, 0, true;
      RETURN;
    END IF;
  END LOOP;
  IF NOT EXISTS (SELECT 1 FROM jobs j WHERE j.state <> 'done' AND j.scanner_schema = p_scanner_schema)
     AND EXISTS (SELECT 1 FROM jobs j WHERE j.state = 'waiting') THEN
    RAISE EXCEPTION 'jobs of scanner schema %, worker of %',
      (SELECT max(j.scanner_schema) FROM jobs j WHERE j.state = 'waiting'), p_scanner_schema USING ERRCODE = 'CQ002';
  END IF;
  SELECT least(
    (SELECT min(j.not_before) FROM jobs j WHERE j.state = 'waiting' AND j.not_before > now_is),
    (SELECT min(p.next_at) FROM paces p WHERE p.next_at > now_is
       AND EXISTS (SELECT 1 FROM jobs j WHERE j.state = 'waiting' AND j.registry = p.registry)),
    (SELECT min(j.lease_until) FROM jobs j WHERE j.state = 'leased')) INTO again;
  RETURN QUERY SELECT NULL::bigint, NULL::text, NULL::boolean, NULL::boolean, NULL::int, NULL::text, NULL::int, NULL::int, NULL::int,
    least(greatest(coalesce(ceil(extract(epoch FROM again - now_is) * 1000), 2000), 20), 2000)::int,
    EXISTS (SELECT 1 FROM jobs j WHERE j.state <> 'done' AND j.scanner_schema = p_scanner_schema);
END $$;

-- Prolongs a lease. False: it is somebody else's by now, or nobody's.
CREATE FUNCTION heartbeat(p_job bigint, p_attempt int, p_token text, p_lease_ms int) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = catalogue_queue, pg_temp AS $$
BEGIN
  UPDATE jobs j SET lease_until = clock_timestamp() + least(greatest(p_lease_ms, 100), 900000) * interval '1 millisecond'
  WHERE j.id = p_job AND j.attempt = p_attempt AND j.token = p_token::uuid AND j.state = 'leased';
  RETURN FOUND;
END $$;

-- Marks a job done and stores its result, in the one transaction that this is. True also for the same delivery a second time: the
-- answer to the first may have been lost on its way. SQLSTATE CQ003: the result is too large.
CREATE FUNCTION complete(p_job bigint, p_attempt int, p_token text, p_outcome text, p_millis bigint, p_body bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = catalogue_queue, pg_temp AS $$
DECLARE
  most bigint;
  by_worker text;
BEGIN
  SELECT m.result_bytes INTO most FROM meta m;
  IF octet_length(p_body) > most THEN
    RAISE EXCEPTION 'a result of % bytes, at most % are taken', octet_length(p_body), most USING ERRCODE = 'CQ003';
  END IF;
  IF coalesce(p_outcome, '') !~ '^[a-z-]{1,40}$' THEN
    RAISE EXCEPTION 'no outcome' USING ERRCODE = '22023';
  END IF;
  UPDATE jobs j SET state = 'done', outcome = p_outcome, finished_at = clock_timestamp(), lease_until = NULL,
    deaths = CASE WHEN p_outcome = 'quarantined' THEN j.deaths ELSE 0 END, company_deaths = 0, fault = NULL
  WHERE j.id = p_job AND j.attempt = p_attempt AND j.token = p_token::uuid AND j.state = 'leased'
  RETURNING j.worker INTO by_worker;
  IF NOT FOUND THEN
    RETURN EXISTS (
      SELECT 1 FROM jobs j WHERE j.id = p_job AND j.attempt = p_attempt AND j.token = p_token::uuid AND j.state = 'done');
  END IF;
  INSERT INTO results (job_id, attempt, worker, outcome, millis, body)
  VALUES (p_job, p_attempt, by_worker, p_outcome, greatest(coalesce(p_millis, 0), 0), p_body);
  RETURN true;
END $$;

-- Gives a job back, to the end of the queue, at no cost: what stopped it was not its fault. A `transient` fault waits first, and
-- after eight of them the job ends with that word, to be enqueued again by the next run. p_rest: its registry rests for all.
CREATE FUNCTION fail(p_job bigint, p_attempt int, p_token text, p_kind text, p_outcome text, p_why text, p_wait_ms int, p_rest boolean)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = catalogue_queue, pg_temp AS $$
DECLARE
  pause interval := least(greatest(coalesce(p_wait_ms, 0), 0), 900000) * interval '1 millisecond';
  of_registry text;
  by_worker text;
  so_many int;
BEGIN
  IF p_kind NOT IN ('drained', 'transient') OR coalesce(p_outcome, '') !~ '^[a-z-]{1,40}$' THEN
    RAISE EXCEPTION 'no such kind of failure' USING ERRCODE = '22023';
  END IF;
  SELECT j.registry, j.worker, j.faults + 1 INTO of_registry, by_worker, so_many FROM jobs j
  WHERE j.id = p_job AND j.attempt = p_attempt AND j.token = p_token::uuid AND j.state = 'leased' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  IF p_kind = 'transient' AND so_many >= 8 THEN
    UPDATE jobs j SET state = 'done', outcome = p_outcome, faults = so_many, fault = left(p_why, 500), lease_until = NULL,
      finished_at = clock_timestamp()
    WHERE j.id = p_job;
    INSERT INTO results (job_id, attempt, worker, outcome, millis) VALUES (p_job, p_attempt, by_worker, p_outcome, 0);
  ELSIF p_kind = 'transient' THEN
    UPDATE jobs j SET state = 'waiting', token = NULL, session = NULL, worker = NULL, lease_until = NULL, leased_at = NULL,
      place = nextval('places'), faults = so_many, fault = left(p_why, 500), not_before = clock_timestamp() + pause
    WHERE j.id = p_job;
  ELSE
    UPDATE jobs j SET state = 'waiting', token = NULL, session = NULL, worker = NULL, lease_until = NULL, leased_at = NULL,
      place = nextval('places')
    WHERE j.id = p_job;
  END IF;
  IF p_rest AND p_kind = 'transient' THEN
    UPDATE paces p SET next_at = greatest(p.next_at, clock_timestamp() + pause) WHERE p.registry = of_registry;
  END IF;
  RETURN true;
END $$;

REVOKE ALL ON ALL TABLES IN SCHEMA catalogue_queue FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA catalogue_queue FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA catalogue_queue FROM PUBLIC;
