-- What registries' provenance of single releases says, as it was read: their signatures are not checked here.
CREATE TABLE provenances (
  key TEXT NOT NULL,                             -- npm:NAME, pypi:NAME
  version TEXT NOT NULL,
  said TEXT NOT NULL,                            -- JSON: "none"; {"of": {version, publisher, repository, workflow, commit}}; {"unusable": WHY}
  read_at TEXT NOT NULL,
  PRIMARY KEY (key, version)
) STRICT, WITHOUT ROWID;

-- Documents were read without the release that a provenance is of, and images not at all: they are read again.
UPDATE candidates SET looked_at = NULL, etag = NULL
WHERE looked_at IS NOT NULL AND missing_at IS NULL AND (key LIKE 'npm:%' OR key LIKE 'pypi:%');
