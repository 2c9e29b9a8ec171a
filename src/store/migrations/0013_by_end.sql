-- What happened lately is asked with every build.
CREATE INDEX probes_by_end ON probes (finished_at);
