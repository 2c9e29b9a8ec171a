-- A claim whose answer was lost is answered again, and a restart of the database costs nobody a lease.

ALTER TABLE jobs ADD COLUMN request uuid;         -- the worker's own name for the claim that it is held by
ALTER TABLE jobs ADD COLUMN lease_ms int;         -- how long the lease was for

-- When a lease is over. Whoever held one while the database was away gets a while to come back, however late it is by then.
CREATE FUNCTION lease_end(p_until timestamptz, p_lease_ms int) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT greatest(p_until, pg_catalog.pg_postmaster_start_time()
    + least(coalesce(p_lease_ms, 120000) / 2, 15000) * interval '1 millisecond')
$$;

-- Puts back what lost workers held: leases that ran out. A death counts for a job only if its worker held nothing else then, for
-- else nobody knows whose doing it was; leases of one worker end at different times, so those that end later are told.
CREATE OR REPLACE FUNCTION sweep() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = catalogue_queue, pg_temp AS $$
DECLARE
  lost record;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM jobs j WHERE j.state = 'leased' AND j.lease_until <= clock_timestamp() AND lease_end(j.lease_until, j.lease_ms) <= clock_timestamp())
     OR NOT pg_try_advisory_xact_lock(hashtextextended('catalogue_queue.sweep', 0)) THEN
    RETURN;
  END IF;
  FOR lost IN
    SELECT j.session FROM jobs j WHERE j.state = 'leased' AND j.lease_until <= clock_timestamp() AND lease_end(j.lease_until, j.lease_ms) <= clock_timestamp() GROUP BY j.session
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
        WHERE s.state = 'leased' AND s.session = lost.session AND lease_end(s.lease_until, s.lease_ms) <= clock_timestamp()
        ORDER BY s.place FOR UPDATE SKIP LOCKED) h) p
    WHERE j.id = p.id;
  END LOOP;
END $$;

-- Hands out the first job that waits, whose registry may be asked now. Without one: job is NULL, wait_ms says when to ask again,
-- and is_open whether any is left. SQLSTATE CQ001: the worker speaks another version; CQ002: only jobs of other scanners are left.
CREATE FUNCTION claim(p_version int, p_scanner_schema int, p_worker text, p_session uuid, p_request uuid, p_lease_ms int)
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
  -- The same claim again: its first answer was lost on its way.
  RETURN QUERY
    UPDATE jobs j SET lease_until = clock_timestamp() + p_lease_ms * interval '1 millisecond'
    WHERE j.state = 'leased' AND j.session = p_session AND j.request = p_request
    RETURNING j.id, j.target, j.newest, j.listed, j.attempt, j.token::text, j.deaths, j.company_deaths, j.faults, 0, true;
  IF FOUND THEN
    RETURN;
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
          request = p_request, lease_ms = p_lease_ms,
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
    (SELECT min(lease_end(j.lease_until, j.lease_ms)) FROM jobs j WHERE j.state = 'leased')) INTO again;
  RETURN QUERY SELECT NULL::bigint, NULL::text, NULL::boolean, NULL::boolean, NULL::int, NULL::text, NULL::int, NULL::int, NULL::int,
    least(greatest(coalesce(ceil(extract(epoch FROM again - now_is) * 1000), 2000), 20), 2000)::int,
    EXISTS (SELECT 1 FROM jobs j WHERE j.state <> 'done' AND j.scanner_schema = p_scanner_schema);
END $$;

-- Workers of version 1 ask so; they are told which version this is.
CREATE OR REPLACE FUNCTION claim(p_version int, p_scanner_schema int, p_worker text, p_session uuid, p_lease_ms int)
RETURNS TABLE (job bigint, target text, newest boolean, listed boolean, attempt int, token text, deaths int, company_deaths int,
               faults int, wait_ms int, is_open boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = catalogue_queue, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'queue version %, worker version %', (SELECT m.version FROM meta m), p_version USING ERRCODE = 'CQ001';
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA catalogue_queue FROM PUBLIC;
