"""Documents against a JSON schema of their target, by a validator that is not ours: jobs.json in, answers.json out, in this folder.

A job with `spoil` is answered with documents in which one thing is wrong each, and what the schema says of them."""

import copy
import json
import sys

sys.path.insert(0, sys.argv[1])

import jsonschema
import tomli_w
import tomllib
import yaml


def closed(schema):
    """A resource's schema with unknown keys refused, as a server does that is asked to be strict."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    all_keys = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            all_keys["additionalProperties"] = False
    return all_keys


def schema_of(job):
    text = open(job["schema"], encoding="utf-8").read()
    if not job["schema"].endswith((".yaml", ".yml")):
        return json.loads(text)
    # A definition of a resource: the schema of the version that the document names.
    definition = next(d for d in yaml.safe_load_all("\n".join(l for l in text.split("\n") if not l.startswith("{{"))) if d)
    version = job["version"]
    served = next(v for v in definition["spec"]["versions"] if v["name"] == version and v["served"])
    schema = closed(served["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    return schema


def problems(job):
    read = {"json": json.loads, "yaml": yaml.safe_load, "toml": tomllib.loads}[job["kind"]]
    schema = schema_of(job)
    validator = jsonschema.validators.validator_for(schema)(schema)
    validator.check_schema(schema)
    said = []
    for document in job["documents"]:
        found = sorted(validator.iter_errors(read(document)), key=lambda e: list(map(str, e.absolute_path)))
        said.append([f"{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in found])
    return said


VALUES = [None, True, 3, -1, 1.5, "", "x y", "*", [], {}, [1], {"a": 1}, ["a", "a"], "x" * 300]
WRITERS = {
    "json": lambda value: json.dumps(value, indent=1),
    "yaml": lambda value: yaml.safe_dump(value, sort_keys=False),
    "toml": tomli_w.dumps,
}


def places(value, path=()):
    """Paths of all values, of a list's the first two."""
    yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, inner in entries:
        yield from places(inner, (*path, key))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def spoilt(document):
    """The document with one part left out, renamed, or of another value or kind, or with a key that nobody knows."""
    for path in places(document):
        if isinstance(at(document, path), dict):
            other = copy.deepcopy(document)
            at(other, path)["unknown_key"] = 1
            yield path, other
        if not path:
            continue
        *above, last = path
        other = copy.deepcopy(document)
        del at(other, above)[last]
        yield path, other
        for value in VALUES:
            other = copy.deepcopy(document)
            at(other, above)[last] = value
            yield path, other
        if isinstance(last, str):
            other = copy.deepcopy(document)
            parent = at(other, above)
            parent[last + "x"] = parent.pop(last)
            yield path, other


def faults(job):
    """`[path, text, what the schema says]` for each spoilt document that the language can write."""
    read = {"json": json.loads, "yaml": yaml.safe_load, "toml": tomllib.loads}[job["kind"]]
    said = []
    for document in job["documents"]:
        for path, other in spoilt(read(document)):
            try:
                text = WRITERS[job["kind"]](other)
            except TypeError:  # TOML has no null.
                continue
            said.append([list(path), text])
    told = problems({**job, "documents": [text for _, text in said]})
    return [[path, text, problem] for (path, text), problem in zip(said, told)]


jobs = json.load(open("jobs.json", encoding="utf-8"))
json.dump([faults(job) if job.get("spoil") else problems(job) for job in jobs], open("answers.json", "w", encoding="utf-8"))
